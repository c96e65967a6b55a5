"""Findings against the CIS Docker Benchmark, as far as it concerns an engine without a daemon."""

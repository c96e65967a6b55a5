"""Decisions of serving: values in, values out."""

"""Stacks: several containers from one file of the Compose Specification."""

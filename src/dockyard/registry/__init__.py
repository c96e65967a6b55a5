"""Registries: talking to them, and being one."""

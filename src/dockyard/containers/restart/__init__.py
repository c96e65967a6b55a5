"""Restart policies: what follows a container's end."""

"""Log drivers: what of a container's output is kept, and how much of it."""

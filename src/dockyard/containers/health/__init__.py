"""Health checks: a command run in the container again and again, and what follows from it."""

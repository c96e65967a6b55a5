"""What RUN steps see besides their root: binds, caches, memory, secrets, agents."""

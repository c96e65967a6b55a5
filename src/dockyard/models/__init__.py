"""Models as OCI artifacts: weights that are stored once and mounted read-only."""

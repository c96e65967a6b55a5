"""Dockyard beside Docker and Podman, one question a file: ``python -m bench --help``."""

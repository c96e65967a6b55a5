"""What may be written in a Compose file, as values: kinds of elements and what they hold."""

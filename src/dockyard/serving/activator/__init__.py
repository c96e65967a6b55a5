"""The activator: holds requests until there is a replica for them, each at most N at a time."""

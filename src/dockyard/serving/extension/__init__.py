"""The block ``x-dockyard`` of a Compose service: what may stand in it, and what that means."""

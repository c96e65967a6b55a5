"""What the commands of ``dockyard compose`` share."""

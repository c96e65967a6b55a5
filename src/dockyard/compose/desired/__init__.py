"""What a project's services, networks and volumes ask of the engine. Pure."""

"""Who may do what in a private registry."""

"""``compose watch``: what is done with a project's containers when files of this host change."""

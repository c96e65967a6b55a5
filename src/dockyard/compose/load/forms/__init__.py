"""What values of a Compose file become: their forms in a normalised tree, and their order."""

"""Building the images of a project's services."""

"""A module for each model, of which an image has what only one of them needs."""

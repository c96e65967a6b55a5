"""The files of a container, running or not: what changed, copying in and out, images of it."""

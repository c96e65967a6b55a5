"""The only access to the kernel and to other programs."""

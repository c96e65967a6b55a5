"""What a container may do: capabilities, system calls and the paths that it must not see.

Everything here is pure. It decides what goes into the OCI runtime spec; the runtime enforces it.
"""

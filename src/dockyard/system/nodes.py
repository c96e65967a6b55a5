"""Making device nodes and pipes in a directory that somebody else may be changing."""

from __future__ import annotations

import errno
import os
import stat

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A device node or a named pipe."""

    mode: int
    """Its kind and its permissions, whatever the umask."""
    device: int = 0
    owner: tuple[int, int]
    """User and group."""
    times: tuple[int, int] | None = None
    """Of access and change, in nanoseconds; now where ``None``."""


def make_node(directory: int, name: str, node: Node) -> None:
    """Makes a node below an open directory.

    chmod(2) follows symlinks, and who owns the directory may have put one in the node's place by
    then: owner and mode are given to what was opened, not to the name.

    Raises:
        FileExistsError: the name is taken, or something else has taken the node's place.
    """
    os.mknod(name, node.mode, node.device, dir_fd=directory)
    made = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        status = os.fstat(made)
        kind = stat.S_IFMT(node.mode)
        device = 0 if kind == stat.S_IFIFO else node.device
        if (stat.S_IFMT(status.st_mode), status.st_rdev) != (kind, device):
            raise FileExistsError(errno.EEXIST, "something else took its place", name)
        place = f"/proc/self/fd/{made}"
        os.chown(place, *node.owner)
        os.chmod(place, stat.S_IMODE(node.mode))
        if node.times is not None:
            os.utime(place, ns=node.times)
    finally:
        os.close(made)

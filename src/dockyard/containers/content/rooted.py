"""Paths of a container, resolved so that none leads out of it.

A container may swap directories for symlinks while its files are read or written (CVE-2018-15664).
So a path is opened once, by openat2(2) with the container's root as the root for ``..`` and for
absolute symlinks, and all the rest is done relative to the descriptor. Nothing of the container is
ever executed or loaded (CVE-2019-14271). On the host's side paths are ordinary ones.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from dockyard.errors import HostileInput
from dockyard.system import syscalls
from dockyard.system.closing import Closing

_IN_ROOT = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
_PATH = os.O_PATH | os.O_CLOEXEC
_MAX_SYMLINKS = 40


class Rooted(Closing):
    """The tree below a descriptor; ``None`` is this host's. A context manager."""

    def __init__(self, root: int | None = None) -> None:
        self._root = root

    @property
    def on_host(self) -> bool:
        return self._root is None

    def close(self) -> None:
        """Closes the root's descriptor."""
        if self._root is not None:
            os.close(self._root)

    def open(self, path: str, flags: int = _PATH) -> int:
        """A descriptor that the caller closes.

        Raises:
            OSError: as open(2) does.
        """
        if self._root is None:
            return os.open(path, flags | os.O_CLOEXEC)
        try:
            return syscalls.openat2(self._root, path or ".", flags, resolve=_IN_ROOT)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            raise HostileInput(
                f"{path}: the container renames directories without pause",
                hint="dockyard pause makes it stand still meanwhile",
            ) from error

    def find(self, path: str, *, follow: bool) -> int | None:
        """An ``O_PATH`` descriptor of an entry; ``None`` where there is none."""
        try:
            return self.open(path, _PATH | (0 if follow else os.O_NOFOLLOW))
        except FileNotFoundError:
            return None

    def resolve_last(self, path: str) -> str:
        """The path with symlinks at its end replaced by what they name, which may not exist.

        Raises:
            HostileInput: more than 40 symlinks, as in a loop.
        """
        for _ in range(_MAX_SYMLINKS):
            found = self.find(path, follow=False)
            if found is None:
                return path
            try:
                if not stat.S_ISLNK(os.fstat(found).st_mode):
                    return path
                path = posixpath.join(posixpath.dirname(path), os.readlink("", dir_fd=found))
            finally:
                os.close(found)
        raise HostileInput(
            f"{path}: too many levels of symbolic links",
            hint="name the file itself instead of the link",
        )


def reopen(descriptor: int, flags: int) -> int:
    """Opens the very inode of an ``O_PATH`` descriptor for reading or writing."""
    return os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC | os.O_NONBLOCK)

"""Paths from an archive, opened so that none leaves the directory that it is unpacked in."""

from __future__ import annotations

import errno
import os
import stat

from dockyard.errors import HostileInput
from dockyard.images.view import LowerView
from dockyard.system import files, syscalls

_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IMPLIED_MODE = 0o755


def clean(name: str) -> str:
    """The path of an entry relative to the root, empty for the root itself. Pure.

    A leading slash is dropped, as Docker does.

    Raises:
        HostileInput: it has a ``..`` or a NUL.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in name:
        raise HostileInput(f"the path {name!r} tries to leave its archive")
    return "/".join(parts)


class ConfinedRoot:
    """A directory in which symlinks lead nowhere else: absolute ones begin at it.

    Only one user changes the directory at a time; what is in it is hostile. ``lower`` lends
    metadata to directories that an entry implies but the archive lacks.
    """

    def __init__(self, directory: str, lower: LowerView) -> None:
        self.descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.implied = 0
        """How many directories were made that no entry had described."""
        self._lower = lower
        self._last: tuple[str, int] | None = None

    def close(self) -> None:
        """Closes all descriptors."""
        self.forget()
        os.close(self.descriptor)

    def forget(self) -> None:
        """Closes the directory that was opened last."""
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def parent_of(self, path: str) -> tuple[int, str]:
        """Descriptor of the directory that holds ``path``, made where missing, and the last name.

        The descriptor is good until the next call.
        """
        parent, _, name = path.rpartition("/")
        return self.directory(parent), name

    def directory(self, path: str) -> int:
        """Descriptor (``O_PATH``) of a directory, made with its parents where missing.

        Raises:
            HostileInput: on the way is something else than a directory.
        """
        if not path:
            return self.descriptor
        if self._last is not None:
            if self._last[0] == path:
                return self._last[1]
            self.forget()
        descriptor = self.open(path, os.O_PATH | os.O_DIRECTORY)
        if descriptor is None:
            return self.directory(self._imply(path))
        self._last = (path, descriptor)
        return descriptor

    def open(self, path: str, flags: int) -> int | None:
        """A descriptor that the caller closes, or ``None`` where the path doesn't exist."""
        try:
            return syscalls.openat2(self.descriptor, path or ".", flags, resolve=_RESOLVE)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            raise _blocked(path) from error

    def remove(self, parent: int, name: str) -> None:
        """Removes whatever has this name, with all below it; something else will take its place.

        ``parent`` is the descriptor that :meth:`parent_of` gave, and stays good.
        """
        self._expire(parent)
        files.remove_tree(f"/proc/self/fd/{parent}/{name}")

    def _expire(self, parent: int) -> None:
        """:meth:`forget`, but keeps the descriptor that is in use."""
        if self._last is not None and self._last[1] == parent:
            self._last = ("\0", parent)  # no path has a NUL, so it is not found again
        else:
            self.forget()

    def _imply(self, path: str) -> str:
        """Makes what is missing of a directory; returns where it is, which symlinks may change."""
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            step = "/".join(parts[:count])
            descriptor = self.open(step, os.O_PATH | os.O_DIRECTORY)
            if descriptor is not None:
                os.close(descriptor)
                continue
            self.implied += 1
            below = self._lower.lookup(step)
            if below is not None and stat.S_ISLNK(below.st_mode):
                target = self._lower.resolve(step)
                if target == step:
                    raise _blocked(path)
                return "/".join((target, *parts[count:]))
            self._make(step, below)
        return path

    def _make(self, path: str, below: os.stat_result | None) -> None:
        parent, _, name = path.rpartition("/")
        directory = self.open(parent, os.O_PATH | os.O_DIRECTORY)
        if directory is None:
            raise _blocked(path)
        try:
            os.mkdir(name, _IMPLIED_MODE, dir_fd=directory)
            owner, mode = (0, 0), _IMPLIED_MODE
            if below is not None and stat.S_ISDIR(below.st_mode):
                owner, mode = (below.st_uid, below.st_gid), stat.S_IMODE(below.st_mode)
            made = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                if os.geteuid() == 0:
                    os.fchown(made, *owner)
                os.fchmod(made, mode)
            finally:
                os.close(made)
        except FileExistsError as error:  # a symlink to nowhere
            raise _blocked(path) from error
        finally:
            os.close(directory)


def _blocked(path: str) -> HostileInput:
    return HostileInput(f"/{path} leads through something that is not a directory")

"""Deletions that a layer's archive asks for, made after its content: their order means nothing.

Format: OCI image specification, "Whiteouts". ``.wh.NAME`` deletes NAME of the layers below,
``.wh..wh..opq`` all that they have in its directory.
"""

from __future__ import annotations

import os
import stat

from dockyard.errors import HostileInput
from dockyard.images.confined import ConfinedRoot
from dockyard.images.normalise import hide_lower
from dockyard.images.tarwriter import WHITEOUT_PREFIX
from dockyard.images.view import LowerView

_OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."
"""Records of aufs, which mean nothing elsewhere."""


class Deletions:
    """Collects the whiteouts of one archive and makes them in the directory it was unpacked in."""

    def __init__(self, directory: str, root: ConfinedRoot, lower: LowerView) -> None:
        self._directory = directory
        self._root = root
        self._lower = lower
        self._paths: dict[str, None] = {}
        self._opaque: dict[str, None] = {}

    def note(self, parent: str, name: str) -> None:
        """Takes an entry ``parent/name`` whose name begins with ``.wh.``.

        Raises:
            HostileInput: it names no file.
        """
        if name == _OPAQUE:
            self._opaque[parent] = None
            return
        if name.startswith(_RESERVED):
            return
        hidden = name.removeprefix(WHITEOUT_PREFIX)
        if hidden in {"", ".", ".."}:
            raise HostileInput(f"{name} deletes no file")
        self._paths[f"{parent}/{hidden}" if parent else hidden] = None

    def apply(self) -> bool:
        """Makes them; true where there was an opaque directory."""
        for path in self._paths:
            self._hide(path)
        pending = [self._real(path) for path in self._opaque]
        while pending:
            path = pending.pop()
            prefix = f"{path}/" if path else ""
            pending += [
                prefix + name for name in hide_lower(self._root.descriptor, path, self._lower)
            ]
        return bool(self._opaque)

    def _hide(self, path: str) -> None:
        """A name that is deleted and made anew in one layer: a new directory is opaque then."""
        parent, name = self._root.parent_of(path)
        try:
            status = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
            return
        if stat.S_ISDIR(status.st_mode):
            self._opaque[path] = None

    def _real(self, path: str) -> str:
        """The path without symlinks, its directory made where it is missing."""
        self._root.directory(path)
        return self._lower.under(self._directory).resolve(path)

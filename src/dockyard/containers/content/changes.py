"""``diff``: what a container has changed of its image, by its overlay's upper directory.

Only listings and the entries' own status are read; no file is opened, no symlink followed. A
deletion is a whiteout (a character device 0:0), or what an opaque directory hides.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from dockyard.images.view import LowerView, is_whiteout
from dockyard.images.xattrs import is_opaque
from dockyard.system import files

Kind = Literal["A", "C", "D"]


class Change(msgspec.Struct, frozen=True):
    """One path that was added, changed or deleted."""

    kind: Kind
    path: str
    """Absolute."""


def changes(upper: str, view: LowerView, made: Collection[str] = ()) -> tuple[Change, ...]:
    """The changes in the order of their paths.

    A directory has changed if its owner, mode or time has, or if something in it came or went.

    Args:
        view: the image's layers.
        made: mount points that the engine makes where they are missing; see
            :func:`dockyard.images.normalise.missing_mount_points`. They don't count while empty.
    """
    top = os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = list(_Walk(top, view, frozenset(made)).run())
    finally:
        os.close(top)
    return tuple(sorted(found, key=lambda change: os.fsencode(change.path)))


class _Walk:
    """Visits every entry of the upper directory once. Paths are relative to it.

    A container that runs may change it meanwhile: what has gone is passed over.
    """

    def __init__(self, top: int, view: LowerView, made: frozenset[str]) -> None:
        self._top = top
        self._view = view
        self._made = made

    def run(self) -> Iterator[Change]:
        pending = [("", False)]
        while pending:
            path, bare = pending.pop()
            with files.opened_below(self._top, path) as directory:
                if directory is None:
                    continue
                bare = bare or (bool(path) and is_opaque(directory))
                names = os.listdir(directory)
                came_or_went, engine = False, False
                for below, status in _entries(directory, path, names):
                    if self._is_only_mount_point(below, status):
                        engine = True
                        continue
                    kind = self._kind(below, status)
                    if kind is None:
                        continue
                    came_or_went = came_or_went or kind != "C"
                    if stat.S_ISDIR(status.st_mode):
                        pending.append((below, bare))
                    if kind != "C" or not stat.S_ISDIR(status.st_mode):
                        yield Change(kind, f"/{below}")
                hidden = self._hidden(path, names) if bare else []
                yield from hidden
                after = os.fstat(directory)
                changed = came_or_went or bool(hidden)
                if path and self._is_changed(path, after, changed, engine=engine):
                    yield Change("C", f"/{path}")

    def _kind(self, path: str, status: os.stat_result) -> Kind | None:
        exists = self._view.lookup(path) is not None
        if is_whiteout(status):
            return "D" if exists else None
        return "C" if exists else "A"

    def _hidden(self, path: str, present: Collection[str]) -> list[Change]:
        """What the image has in an opaque directory that the container doesn't have any more."""
        gone = set(self._view.listdir(path)).difference(present)
        return [Change("D", f"/{path}/{name}" if path else f"/{name}") for name in gone]

    def _is_changed(
        self, path: str, after: os.stat_result, came_or_went: bool, *, engine: bool
    ) -> bool:
        """True for a directory of the image that isn't as it was."""
        before = self._view.lookup(path)
        if before is None:
            return False  # it is new, and was told of
        if came_or_went or (before.st_mode, before.st_uid, before.st_gid) != (
            after.st_mode, after.st_uid, after.st_gid,
        ):  # fmt: skip
            return True
        return before.st_mtime_ns != after.st_mtime_ns and not engine

    def _is_only_mount_point(self, path: str, status: os.stat_result) -> bool:
        if path not in self._made:
            return False
        if not stat.S_ISDIR(status.st_mode):
            return stat.S_ISREG(status.st_mode) and status.st_size == 0
        with files.opened_below(self._top, path) as directory:
            return directory is not None and all(
                self._is_only_mount_point(*entry)
                for entry in _entries(directory, path, os.listdir(directory))
            )


def _entries(
    directory: int, path: str, names: Collection[str]
) -> Iterator[tuple[str, os.stat_result]]:
    """Paths of what a directory holds, with their status."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            yield f"{path}/{name}" if path else name, status

"""``diff``: what a container has changed of its image, by its overlay's upper directory.

Only listings and the entries' own status are read; no file is opened, no symlink followed. A
deletion is a whiteout (a character device 0:0), or what an opaque directory hides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from dockyard.images.view import LowerView, is_whiteout
from dockyard.images.xattrs import is_opaque

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
    found = _Walk(upper, view, frozenset(made)).run()
    return tuple(sorted(found, key=lambda change: os.fsencode(change.path)))


class _Walk:
    """Visits every entry of the upper directory once. Paths are relative to it."""

    def __init__(self, upper: str, view: LowerView, made: frozenset[str]) -> None:
        self._upper = upper
        self._view = view
        self._made = made

    def run(self) -> Iterator[Change]:
        pending = [("", False)]
        while pending:
            path, bare = pending.pop()
            bare = bare or self._is_opaque(path)
            came_or_went, engine = False, False
            for name in self._names(path):
                below = f"{path}/{name}" if path else name
                status = os.lstat(f"{self._upper}/{below}")
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
            hidden = [Change("D", f"/{each}") for each in self._hidden(path, bare=bare)]
            yield from hidden
            if path and self._is_changed(path, came_or_went or bool(hidden), engine=engine):
                yield Change("C", f"/{path}")

    def _names(self, path: str) -> list[str]:
        return os.listdir(f"{self._upper}/{path}" if path else self._upper)

    def _is_opaque(self, path: str) -> bool:
        return bool(path) and is_opaque(f"{self._upper}/{path}")

    def _kind(self, path: str, status: os.stat_result) -> Kind | None:
        exists = self._view.lookup(path) is not None
        if is_whiteout(status):
            return "D" if exists else None
        return "C" if exists else "A"

    def _hidden(self, path: str, *, bare: bool) -> Iterator[str]:
        """What the image has in an opaque directory that the container doesn't have any more."""
        if not bare:
            return
        present = set(self._names(path))
        for name in self._view.listdir(path):
            if name not in present:
                yield f"{path}/{name}" if path else name

    def _is_changed(self, path: str, came_or_went: bool, *, engine: bool) -> bool:
        """True for a directory of the image that isn't as it was."""
        before = self._view.lookup(path)
        if before is None:
            return False  # it is new, and was told of
        after = os.lstat(f"{self._upper}/{path}")
        if came_or_went or (before.st_mode, before.st_uid, before.st_gid) != (
            after.st_mode, after.st_uid, after.st_gid,
        ):  # fmt: skip
            return True
        return before.st_mtime_ns != after.st_mtime_ns and not engine

    def _is_only_mount_point(self, path: str, status: os.stat_result) -> bool:
        if path not in self._made:
            return False
        if stat.S_ISDIR(status.st_mode):
            children = (f"{path}/{name}" for name in self._names(path))
            return all(
                self._is_only_mount_point(child, os.lstat(f"{self._upper}/{child}"))
                for child in children
            )
        return stat.S_ISREG(status.st_mode) and status.st_size == 0

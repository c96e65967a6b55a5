"""What was seen of the context's files while they were read.

A context is read twice, for a step's key and for its result, and belongs to others, who may
change it in between. Two looks tell that, without reading the bytes a third time.
"""

from __future__ import annotations

import os
import time

_SECOND = 1_000_000_000
_TICK = 50_000_000
"""Nanoseconds in which a file may be written twice and keep its time: more than any kernel's."""


class ContextChanged(Exception):
    """A file of the context isn't what it was when the step's key was made."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Sight:
    """One look at files: their kinds, owners and modes, and what a write changes."""

    def __init__(self) -> None:
        self.fresh: str | None = None
        """The path of a file so new that a change right after the look may not show."""
        self._seen: dict[str, int] = {}

    def note(self, path: str, *what: object, status: os.stat_result | None = None) -> None:
        """Adds what was seen at a path, of a file with the ``status`` of what was read."""
        if status is not None:
            changed = max(status.st_mtime_ns, status.st_ctime_ns)
            coarse = changed % _SECOND == 0  # a file system that counts seconds, as FAT two of them
            if time.time_ns() - changed < (2 * _SECOND if coarse else _TICK):
                self.fresh = path
            what += (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        self._seen[path] = hash((self._seen.get(path), *what))

    def changed(self, later: Sight) -> str | None:
        """A path that a later look, at the same files in the same order, saw otherwise."""
        if self._seen == later._seen:
            return None
        return min(path for path, _ in self._seen.items() ^ later._seen.items())

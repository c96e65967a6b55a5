"""The log of a container that goes with it: kept readable for the program that started it.

A container that is removed at its end takes its log along, though only the log says why it ended.
Whoever holds the file open can still read it. The monitor appends to a file that is there, so it
is made, and opened, before there is a monitor: however early the end, nothing is missed.
"""

from __future__ import annotations

import contextlib
import os

from dockyard.containers import logs

_MOST = 1 << 18
"""Bytes of the end that are looked at."""


class LastWords:
    """The end of a log, whether or not it is still there. Closed with its last reference."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def refresh(self) -> None:
        """Takes the file that is written now, where a full one was put aside."""
        with contextlib.suppress(FileNotFoundError):
            if not os.path.samestat(os.fstat(self._descriptor), os.stat(self._path)):
                following = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                os.close(self._descriptor)
                self._descriptor = following

    def tail(self, lines: int) -> str:
        """The last lines of it, both streams together."""
        size = os.fstat(self._descriptor).st_size
        data = os.pread(self._descriptor, _MOST, max(size - _MOST, 0))
        entries = [entry.data for entry in map(logs.parse, data.split(b"\n")) if entry is not None]
        text = b"".join(entries).decode(errors="replace")
        return "".join(text.splitlines(keepends=True)[-lines:])

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # it was never opened
            os.close(self._descriptor)

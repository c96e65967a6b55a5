"""Wakes the controller through its FIFO."""

from __future__ import annotations

import asyncio
import contextlib
import os

_PAUSE = 0.003


class Poke:
    """Wakes the controller: at once, and then again at most every few milliseconds."""

    def __init__(self) -> None:
        self.path = ""
        """Of the FIFO."""
        self._resting = False
        self._again = False

    def __call__(self) -> None:
        if self._resting:
            self._again = True
            return
        write_byte(self.path)
        self._resting = True
        asyncio.get_running_loop().call_later(_PAUSE, self._rested)

    def _rested(self) -> None:
        self._resting = False
        if self._again:
            self._again = False
            self()


def write_byte(path: str) -> None:
    """Writes a byte into a FIFO; where nobody reads it, or it is full, there is no need to."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)

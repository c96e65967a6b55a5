"""Waiting for files of a directory to be written (inotify(7))."""

from __future__ import annotations

import os
import select

from dockyard.system import syscalls
from dockyard.system.closing import Closing

_BUFFER_BYTES = 1 << 14


class DirectoryWatch(Closing):
    """Notices writes to files right below a directory. A context manager."""

    def __init__(self, directory: str) -> None:
        self._descriptor = syscalls.inotify(directory)

    def wait(self, seconds: float) -> bool:
        """Waits for a write, at most so long; True where there was one since the last call."""
        if not select.select([self._descriptor], [], [], max(seconds, 0.0))[0]:
            return False
        os.read(self._descriptor, _BUFFER_BYTES)  # which file, and how often, is of no interest
        return True

    def close(self) -> None:
        """Ends the watch."""
        os.close(self._descriptor)

"""Waiting for files of directories to be written (inotify(7))."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Collection

from dockyard.system import syscalls
from dockyard.system.closing import Closing

_BUFFER_BYTES = 1 << 14


class WriteWatch(Closing):
    """Notices writes to files right below several directories. A context manager.

    Raises:
        OSError: the host has no room for it.
    """

    def __init__(self) -> None:
        self.descriptor = syscalls.inotify()
        """Can be read when something was written since :meth:`drain`."""
        self._numbers: dict[str, int] = {}

    def keep(self, directories: Collection[str]) -> None:
        """Watches these directories and no others.

        Raises:
            OSError: the host has no room for another watch, or a directory is gone.
        """
        for directory in self._numbers.keys() - set(directories):
            with contextlib.suppress(OSError):  # it was deleted, and the watch with it
                syscalls.unwatch(self.descriptor, self._numbers[directory])
            del self._numbers[directory]
        for directory in set(directories) - self._numbers.keys():
            self._numbers[directory] = syscalls.watch_writes(self.descriptor, directory)

    def drain(self) -> None:
        """Forgets what was written so far; which file, and how often, is of no interest."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.descriptor, _BUFFER_BYTES):
                pass

    def close(self) -> None:
        """Ends all watches."""
        os.close(self.descriptor)


class DirectoryWatch(WriteWatch):
    """Waits for writes to files right below one directory."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        try:
            self.keep((directory,))
        except BaseException:
            self.close()
            raise

    def wait(self, seconds: float) -> bool:
        """Waits for a write, at most so long; True where there was one since the last call."""
        if not select.select([self.descriptor], [], [], max(seconds, 0.0))[0]:
            return False
        self.drain()
        return True

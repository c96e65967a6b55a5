"""Notices a new ``targets.json``: by inotify(7), and by a look now and then where that fails."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import msgspec

from dockyard import decoding
from dockyard.serving.activator.model import Targets
from dockyard.serving.activator.shared import log
from dockyard.system import syscalls

_BUFFER_BYTES = 1 << 14


class TargetsFile:
    """The file that says what is to be served."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._descriptor = -1

    def watch(self, news: Callable[[], None]) -> None:
        """Has ``news`` called when a file was moved into this one's directory."""
        try:
            self._descriptor = syscalls.inotify()
            syscalls.watch_arrivals(self._descriptor, os.path.dirname(self._path))
        except OSError as error:
            self.close()
            log(f"changes of {self._path} are noticed late: {error}")
            return
        asyncio.get_running_loop().add_reader(self._descriptor, self._drain, news)

    def read(self) -> Targets | None:
        """What it says, where that is new; nonsense is noted, and what was before goes on."""
        try:
            with open(self._path, "rb") as stream:
                found = os.fstat(stream.fileno())
                seen = found.st_ino, found.st_mtime_ns, found.st_size
                if seen == self._seen:
                    return None
                data = stream.read()
        except OSError:
            return None
        self._seen = seen
        try:
            return decoding.from_json(data, Targets)
        except msgspec.DecodeError as error:
            log(f"{self._path}: {error}")
            return None

    def close(self) -> None:
        """Watches no more."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _drain(self, news: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._descriptor, _BUFFER_BYTES):
                pass
        news()

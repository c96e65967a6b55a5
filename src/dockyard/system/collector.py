"""A pipe whose other end is read by a thread: a descriptor for what wants to write to a file."""

from __future__ import annotations

import os
from collections.abc import Callable

_PIECE = 1 << 16


class Collector:
    """A context manager that gives the writing end; at its end everything has been read."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        """``take`` is called by the thread, with what was written."""
        self._take = take
        self._error: Exception | None = None

    def __enter__(self) -> int:
        import threading

        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self._write

    def __exit__(self, *_exception: object) -> None:
        os.close(self._write)
        self._thread.join()
        os.close(self._read)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        """Reads on after an error of ``take``, so that whoever writes doesn't wait for ever."""
        while piece := os.read(self._read, _PIECE):
            if self._error is None:
                try:
                    self._take(piece)
                except Exception as error:  # noqa: BLE001  # raised where the block ends
                    self._error = error

"""A pipe that a thread fills: a descriptor for what wants to read bytes from a file."""

from __future__ import annotations

import contextlib
import os


class Feeder:
    """A context manager that gives the reading end; who doesn't read all of it is no error."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __enter__(self) -> int:
        import threading

        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self._read

    def __exit__(self, *_exception: object) -> None:
        os.close(self._read)  # whoever still writes is told so
        self._thread.join()

    def _run(self) -> None:
        rest = memoryview(self._data)
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._write, rest) :]
        os.close(self._write)

"""The controller's log file: one line an entry, two files of limited size."""

from __future__ import annotations

import contextlib
import os
import sys
import time

_LIMIT_BYTES = 1 << 20


class Journal:
    """Appends to a file, and begins a new one when it is full; the one before stays as ``.1``."""

    def __init__(self, path: str, limit: int = _LIMIT_BYTES, *, to_stderr: bool = False) -> None:
        """``to_stderr`` also prints each entry, for the journal of a service."""
        self._path = path
        self._limit = limit
        self._to_stderr = to_stderr

    def info(self, sentence: str) -> None:
        """Notes what happened."""
        self._write("info", sentence)

    def error(self, sentence: str) -> None:
        """Notes what went wrong."""
        self._write("error", sentence)

    def _write(self, level: str, sentence: str) -> None:
        """Never fails: a full disk must not end the supervision."""
        if self._to_stderr:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"{level}: {sentence}\n")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f"{moment} {level} {' '.join(sentence.split())}\n".encode(errors="replace")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line)
                full = os.fstat(descriptor).st_size >= self._limit
            finally:
                os.close(descriptor)
            if full:
                os.rename(self._path, f"{self._path}.1")


def read(path: str) -> str:
    """Both files' text, the older first; empty where nothing was ever written."""
    text = ""
    for name in (f"{path}.1", path):
        with contextlib.suppress(FileNotFoundError), open(name, encoding="utf-8") as stream:
            text += stream.read()
    return text

"""How far a work with many bytes has come, told to whoever listens. Pure, but for sizes of files.

The library prints nothing: what takes long has a parameter ``progress`` for a listener.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

Stage = Literal["reading", "unpacking", "checking", "copying", "hashing", "writing"]


class Progress(msgspec.Struct, frozen=True):
    """So far, of one stage of a work.

    - ``reading``: an archive, as it comes;
    - ``unpacking``, ``checking``: layers of one, which are compared with what we would write;
    - ``copying``: files;
    - ``hashing``: a new layer's tar;
    - ``writing``: an archive.
    """

    stage: Stage
    done: int
    """Bytes."""
    total: int | None = None
    """Bytes; ``None`` where nobody knows yet. There may be more or less in the end."""


Listener = Callable[[Progress], None]
"""Gets one for each piece, from the thread that works, which waits for it."""


class Counter:
    """Adds up the bytes of one stage; tells nobody where ``listener`` is ``None``."""

    def __init__(self, listener: Listener | None, stage: Stage, total: int | None = None) -> None:
        self._listener = listener
        self._stage = stage
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        """Takes note of so many bytes more."""
        self._done += count
        if self._listener is not None:
            self._listener(Progress(self._stage, self._done, self._total))


UNHEARD = Counter(None, "reading")
"""The counter of those who have no listener."""


class Source(Protocol):
    """What is read in one direction."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Counted:
    """A source whose bytes are counted."""

    def __init__(self, source: Source, counter: Counter) -> None:
        self._source = source
        self._counter = counter

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = self._source.read(size)
        self._counter.add(len(data))
        return data


Write = Callable[[bytes | memoryview], object]


def counted(write: Write, counter: Counter) -> Write:
    """The writer, whose bytes are counted."""

    def put(part: bytes | memoryview) -> None:
        write(part)
        counter.add(len(part))

    return put


class _File(Protocol):
    def fileno(self) -> int: ...


def size_of(stream: _File) -> int | None:
    """The bytes of a regular file; ``None`` for a pipe, or what is no file."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # io.BytesIO has no descriptor
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None

"""Streams that are watched while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from dockyard.images.decompress import Readable
from dockyard.oci import digest as digests

_CHUNK_BYTES = 1 << 20


class Watched:
    """A stream of which somebody else sees every byte."""

    def __init__(self, source: Readable, seen: Callable[[bytes], object]) -> None:
        self._source = source
        self._seen = seen

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = self._source.read(size)
        self._seen(data)
        return data


class Hashed:
    """A stream that is hashed; ``size`` is that of what was read, in bytes."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = self._source.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> str:
        """Of all that was read."""
        return digests.PREFIX + self._hash.hexdigest()


def drain(source: Readable) -> None:
    """Reads what an archive has behind its end: it counts for the digest."""
    while source.read(_CHUNK_BYTES):
        pass

"""The gateway's access log, read as it grows."""

from __future__ import annotations

import contextlib
import os

import msgspec

from dockyard import decoding

_AT_ONCE = 16 << 20
_BROKEN = frozenset({"UF", "UC", "UR", "UT", "LR", "UPE", "URX", "SI", "OM"})
"""Response flags of what came to nothing behind the gateway."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that ended: a line of the log."""

    at: str = "0"
    """Seconds since 1970 of its begin, with fractions."""
    id: str | None = None
    traceparent: str | None = None
    client: str | None = None
    caller: str | None = None
    """Whose API key it had."""
    method: str | None = None
    host: str | None = None
    path: str | None = None
    """Without its query."""
    service: str | None = None
    """``PROJECT.SERVICE``."""
    target: str | None = None
    """:func:`dockyard.serving.model.target_id` of the variant."""
    upstream: str | None = None
    """The replica's ``ADDRESS:PORT``, the path of the activator's socket, or nothing where none
    was reached."""
    attempts: int | None = None
    try_of: str | None = None
    """The id of the request of which this is a single try that broke; such a line has only
    ``at``, ``duration``, ``target``, ``upstream`` and ``flags`` beside."""
    error: str | None = None
    """The type of an answer that is the activator's own."""
    waited: str | None = None
    """Milliseconds in the activator's queue, or that it waited for the start of a replica
    (:mod:`dockyard.serving.activator.answers`); nothing where it didn't wait."""
    status: int = 0
    """0 where the connection went before an answer."""
    flags: str | None = None
    """Envoy's response flags."""
    duration: float | None = None
    """Milliseconds until its last byte."""
    first_byte: float | None = None
    """Milliseconds until the first byte of an answer."""
    received: int = 0
    sent: int = 0

    @property
    def held(self) -> bool:
        """The activator served it: its time says nothing of a replica's."""
        return self.upstream is not None and self.upstream.startswith("/")

    @property
    def broken(self) -> bool:
        """A connection broke behind the gateway; not one that a client left."""
        return not _BROKEN.isdisjoint((self.flags or "").split(","))

    @property
    def failed(self) -> bool:
        """A 5xx, or a connection that broke."""
        return self.status >= 500 or self.broken


class Reader:
    """Takes lines as they come, also over a rotation of the file."""

    def __init__(self, path: str, *, from_end: bool = False) -> None:
        """``from_end`` leaves out what is there already."""
        self._path = path
        self._descriptor = -1
        self._rest = b""
        if from_end and self._open():
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def read(self) -> list[Request]:
        """The requests that were logged since the last call."""
        found: list[Request] = []
        while True:
            found += self._lines()
            if not self._moved_on():
                return found
            found += self._lines()  # what came before the other file did
            self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lines(self) -> list[Request]:
        if self._descriptor < 0 and not self._open():
            return []
        if os.fstat(self._descriptor).st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._rest = b""
        data = self._rest
        while piece := os.read(self._descriptor, _AT_ONCE):
            data += piece
        *lines, self._rest = data.split(b"\n")
        return [one for line in lines if (one := self._parse(line)) is not None]

    def _parse(self, line: bytes) -> Request | None:
        with contextlib.suppress(msgspec.DecodeError):
            return decoding.from_json(line, Request)
        return None

    def _open(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            self._rest = b""
            return True
        return False

    def _moved_on(self) -> bool:
        """Another file has the name now."""
        if self._descriptor < 0:
            return False
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return False
        here = os.fstat(self._descriptor)
        return (named.st_dev, named.st_ino) != (here.st_dev, here.st_ino)

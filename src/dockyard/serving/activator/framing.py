"""Where a message's body ends, found while it passes by: by its length, its chunks, or the end."""

from __future__ import annotations

import re
from typing import Protocol

from dockyard.serving.activator.head import Malformed

_MOST_LINE = 4096
_MOST_TRAILERS = 1 << 14
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15}+)(?:[ \t]*+;[^\x00-\x08\x0a-\x1f\x7f]*+)?")
_FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\x00-\x08\x0a-\x1f\x7f]*+")


class Framing(Protocol):
    """How a body is delimited."""

    done: bool
    """All of it went by."""

    def scan(self, buffer: bytearray) -> int:
        """How many bytes at the front of a buffer are the body's; the caller takes them away.

        A line that isn't whole yet counts only once it is.

        Raises:
            Malformed: it isn't what such a body may be.
        """


class Length:
    """So many bytes."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def scan(self, buffer: bytearray) -> int:
        """See :class:`Framing`."""
        count = min(self._left, len(buffer))
        self._left -= count
        self.done = self._left == 0
        return count


class Unbounded:
    """All that comes until the connection ends."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def scan(self, buffer: bytearray) -> int:
        """See :class:`Framing`."""
        return len(buffer)


class Chunked:
    """Chunks, each with its size before it, then trailers and an empty line."""

    __slots__ = ("_left", "_trailers", "done")

    def __init__(self) -> None:
        self._left = 0
        """Bytes of this chunk that are to come, with the line end behind them."""
        self._trailers = -1
        """Bytes of trailers so far, or -1 before the last chunk."""
        self.done = False

    def scan(self, buffer: bytearray) -> int:
        """See :class:`Framing`."""
        place = 0
        while not self.done:
            step = self._step(buffer, place)
            if not step:
                break
            place += step
        return place

    def _step(self, buffer: bytearray, place: int) -> int:
        if self._left > 2:  # more than its line end
            count = min(self._left - 2, len(buffer) - place)
            self._left -= count
            return count
        if self._left:
            return self._line_end(buffer, place)
        end = buffer.find(b"\r\n", place, place + _MOST_LINE)
        if end < 0:
            if len(buffer) - place >= _MOST_LINE or buffer.find(b"\n", place) >= 0:
                raise Malformed("a line between chunks is malformed")
            return 0
        line = bytes(buffer[place:end])
        if self._trailers < 0:
            self._size(line)
        else:
            self._trailer(line)
        return end + 2 - place

    def _line_end(self, buffer: bytearray, place: int) -> int:
        ending = buffer[place : place + 2]
        if not b"\r\n".startswith(ending):
            raise Malformed("a chunk is longer than it says")
        if len(ending) < 2:
            return 0
        self._left = 0
        return 2

    def _size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise Malformed("the size of a chunk is malformed")
        size = int(found[1], 16)
        if size == 0:
            self._trailers = 0
        else:
            self._left = size + 2

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailers += len(line)
        if self._trailers > _MOST_TRAILERS or _FIELD.fullmatch(line) is None:
            raise Malformed("a trailer is malformed")


def of_request(length: int | None, *, chunked: bool) -> Framing:
    """How a request's body is delimited; one without a length has none."""
    return Chunked() if chunked else Length(length or 0)


def of_response(length: int | None, *, chunked: bool, bodiless: bool) -> Framing:
    """How a response's body is delimited."""
    if bodiless:
        return Length(0)
    if chunked:
        return Chunked()
    return Unbounded() if length is None else Length(length)

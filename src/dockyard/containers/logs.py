"""Reading a container's log: the lines that conmon wrote, as a stream of pieces of output.

A line of the file is ``TIME STREAM F|P TEXT``; ``P`` marks a piece without its newline (a long
line, or the very end).
"""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

_POLL_SECONDS = 0.05
_PIECE = 1 << 16


class LogLine(msgspec.Struct, frozen=True):
    """One entry: RFC 3339 time with nanoseconds, 1 for stdout or 2 for stderr, and the bytes."""

    time: str
    stream: int
    data: bytes


def parse(line: bytes) -> LogLine | None:
    """One line of the file without its newline; ``None`` for what conmon did not write."""
    fields = line.split(b" ", 3)
    if len(fields) < 4 or fields[1] not in {b"stdout", b"stderr"}:
        return None
    data = fields[3] if fields[2] == b"P" else fields[3] + b"\n"
    return LogLine(fields[0].decode(errors="replace"), 1 if fields[1] == b"stdout" else 2, data)


def read(
    path: str, *, follow: bool, ended: Callable[[], bool], tail: int | None, since: str | None
) -> Iterator[LogLine]:
    """The log's entries, oldest first.

    Args:
        follow: go on until ``ended()`` is true and all that was written is read. A log that is
            removed meanwhile is still read to its end.
        tail: only the last so many lines of what is there now.
        since: an RFC 3339 time in UTC; earlier entries are left out.
    """
    try:
        stream = open(path, "rb", buffering=0)  # noqa: SIM115  # closed below, after the last yield
    except FileNotFoundError:
        return
    with stream:
        lines = _Lines(stream.fileno())
        present: Iterable[LogLine] = filter(None, map(parse, lines.available()))
        for entry in _last(present, tail):
            if since is None or _sortable(entry.time) >= since:
                yield entry
        while follow:
            over = ended()  # asked before reading: what is written after it is read next time
            fresh = [entry for entry in map(parse, lines.available()) if entry is not None]
            yield from fresh
            if over and not fresh:
                return
            if not fresh:
                time.sleep(_POLL_SECONDS)


class _Lines:
    """Complete lines of a growing file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def available(self) -> Iterator[bytes]:
        """What has been completed since the last call."""
        while piece := os.read(self._descriptor, _PIECE):
            *complete, self._rest = (self._rest + piece).split(b"\n")
            yield from complete


def _last(entries: Iterable[LogLine], count: int | None) -> Iterable[LogLine]:
    """The last ``count`` lines; pieces of one long line count once."""
    if count is None:
        return entries
    kept: collections.deque[list[LogLine]] = collections.deque(maxlen=count)
    line: list[LogLine] = []
    for entry in entries:
        line.append(entry)
        if entry.data.endswith(b"\n"):
            kept.append(line)
            line = []
    if line:
        kept.append(line)
    return [entry for pieces in kept for entry in pieces]


def _sortable(moment: str) -> str:
    """A time that conmon wrote (nine digits, the host's offset), so that texts compare."""
    return f"{moment[:-6]}Z" if moment.endswith("+00:00") else to_utc(moment)


def to_utc(moment: str) -> str:
    """An RFC 3339 time in UTC with nine digits of fraction, so that texts compare as times.

    Raises:
        ValueError: it isn't such a time.
    """
    from datetime import UTC, datetime  # only for --since and for logs of other time zones

    head, dot, rest = moment.replace("Z", "+00:00").partition(".")
    digits = ""
    if dot:
        count = next((i for i, c in enumerate(rest) if not c.isdigit()), len(rest))
        digits, head = rest[:count], head + rest[count:]
    parsed = datetime.fromisoformat(head)
    if parsed.tzinfo is None:
        parsed = parsed.astimezone()
    return f"{parsed.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{digits:0<9.9}Z"

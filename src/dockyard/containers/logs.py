"""Reading a container's log: the lines that conmon wrote, as a stream of pieces of output.

A line of a file is ``TIME STREAM F|P TEXT``; ``P`` marks a piece without its newline (a long
line, or the very end). A log may have several files (:mod:`dockyard.containers.logging.files`).
"""

from __future__ import annotations

import collections
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from dockyard.containers.logging import readers
from dockyard.containers.logging.stream import Files
from dockyard.system.watch import DirectoryWatch

_POLL_SECONDS = 0.1
_TURNING_SECONDS = 2.0
"""How long a new file may take to begin after its writer's end; some milliseconds mostly."""
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_FORM = b"0000-00-00T00:00:00.000000000"
_ZONES = frozenset({b"+00:00", b"-00:00"})


class LogLine(msgspec.Struct, frozen=True):
    """One entry: RFC 3339 time with nanoseconds, 1 for stdout or 2 for stderr, and the bytes."""

    time: str
    stream: int
    data: bytes


def parse(line: bytes) -> LogLine | None:
    """One line of the file without its newline; ``None`` for what conmon did not write."""
    fields = line.split(b" ", 3)
    if len(fields) < 4 or fields[1] not in {b"stdout", b"stderr"} or fields[2] not in {b"F", b"P"}:
        return None
    form = fields[0].translate(_DIGITS)
    if form[:29] != _FORM or form[29:] not in _ZONES:
        return None
    data = fields[3] if fields[2] == b"P" else fields[3] + b"\n"
    return LogLine(fields[0].decode("ascii"), 1 if fields[1] == b"stdout" else 2, data)


def read(
    path: str,
    *,
    follow: bool,
    ended: Callable[[], bool],
    tail: int | None,
    since: str | None,
    until: str | None = None,
) -> Iterator[LogLine]:
    """The log's entries, oldest first.

    Args:
        path: the file that is written; those before it are beside it.
        follow: go on until ``ended()`` is true and all that was written is read. A log that is
            removed meanwhile is still read to its end.
        tail: only the last so many lines of what is there now.
        since: an RFC 3339 time in UTC; earlier entries are left out.
        until: the same for later entries; following ends then.
    """
    directory = os.path.dirname(path)
    with readers.reading(directory) if follow else contextlib.nullcontext(), Files(path) as files:
        entries = _present(files, tail)
        if follow and files.found:
            entries = _chained(entries, _growing(files, directory, ended, until))
        for entry in entries:
            moment = utc(entry) if since is not None or until is not None else ""
            if until is not None and moment > until:
                return
            if since is None or moment >= since:
                yield entry


def utc(entry: LogLine) -> str:
    """The entry's time in UTC, such that texts compare as times; as it is where it is no time."""
    if entry.time.endswith("+00:00"):
        return f"{entry.time[:-6]}Z"
    try:
        return to_utc(entry.time)
    except (ValueError, OverflowError):  # such as the 31st of February
        return entry.time


def utc_of(moment: int) -> str:
    """Nanoseconds since 1970 as :func:`utc` has times. Pure."""
    seconds, rest = divmod(moment, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09}Z"


def _chained(first: Iterable[LogLine], then: Iterable[LogLine]) -> Iterator[LogLine]:
    yield from first
    yield from then


def _present(files: Files, tail: int | None) -> Iterable[LogLine]:
    """What is there now; for the last lines no more files than needed are read."""
    if tail is None:
        return (entry for lines in files.each() for entry in _entries(lines))
    kept: list[LogLine] = []
    if tail > 0:
        for lines in files.newest_first():
            kept = [*_last(_entries(lines), tail + 1), *kept]
            if sum(entry.data.endswith(b"\n") for entry in kept) > tail:
                break
    files.skip()
    return _last(kept, tail)


def _growing(
    files: Files, directory: str, ended: Callable[[], bool], until: str | None
) -> Iterator[LogLine]:
    with contextlib.ExitStack() as stack:
        wait: Callable[[float], object] = time.sleep
        with contextlib.suppress(OSError):  # the host has no inotify left, or the log is gone
            wait = stack.enter_context(DirectoryWatch(directory)).wait
        patience = None
        while True:
            over = ended()  # asked before reading: what is written after it is read next time
            fresh = False
            for entry in _entries(files.fresh()):
                fresh = True
                yield entry
            if over and not fresh:
                patience = patience or time.monotonic() + _TURNING_SECONDS
                if not files.is_turning or time.monotonic() > patience:
                    return
            if not fresh:
                if until is not None and _now() > until:
                    return
                wait(_POLL_SECONDS)


def _entries(lines: Iterable[bytes]) -> Iterator[LogLine]:
    return (entry for entry in map(parse, lines) if entry is not None)


def _last(entries: Iterable[LogLine], count: int) -> list[LogLine]:
    """The last ``count`` lines; pieces of one long line count once."""
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


def _now() -> str:
    return utc_of(int(time.time()) * 10**9)


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

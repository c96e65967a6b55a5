"""What a container may say: one JSON object a line, with the id of a record it was given. Pure.

An object whose ``error`` is not null rejects its record; any other is its result. Each id is
answered once. Everything else breaks the contract, and with it this try of the container: what it
said before that stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from dockyard.batch import ids
from dockyard.batch.model import Outcome, OutcomeKind

ERROR = "error"
MAX_LINE = 64 << 20
"""Bytes; what never ends its line would fill the memory."""
_SHOWN = 80
_ENCODER = msgspec.json.Encoder()


class Broken(NamedTuple):
    """The contract is broken; ``position`` is that of the record that was answered twice."""

    reason: str
    position: int | None = None


class Answers:
    """What one container says of the records that it was given."""

    def __init__(self, given: Iterable[tuple[int, ids.Id]], field: str) -> None:
        """``given`` are positions with their ids, ``field`` is where lines carry the id."""
        self._open = {ids.text(own): position for position, own in given}
        self._answered: dict[str, int] = {}
        self._field = field
        self._lines = 0

    @property
    def left(self) -> tuple[int, ...]:
        """Positions without an answer, in the order in which they were given."""
        return tuple(self._open.values())

    def read(self, line: bytes) -> Outcome | Broken | None:
        """Takes a line, without its newline; ``None`` for an empty one."""
        self._lines += 1
        text = line.strip()
        if not text:
            return None
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = None
        if not isinstance(value, dict):
            return Broken(
                f"line {self._lines} of its standard output is no JSON object: {shown(line)}"
            )
        own = ids.of(value, self._field)
        if own is None:
            return Broken(
                f'line {self._lines} of its standard output has no "{self._field}": {shown(line)}'
            )
        return self._settle(ids.text(own), value, text)

    def _settle(self, own: str, value: Mapping[str, Any], text: bytes) -> Outcome | Broken:
        position = self._open.pop(own, None)
        if position is None:
            if own in self._answered:
                return Broken(f'it answered the id "{own}" twice', self._answered[own])
            return Broken(f'it answered the id "{own}", which it was not given')
        self._answered[own] = position
        kind: OutcomeKind = "rejection" if value.get(ERROR) is not None else "result"
        return Outcome(position, kind, text)


class Lines:
    """Takes bytes as they come, and gives whole lines."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that the bytes complete.

        Raises:
            ValueError: a line has no end.
        """
        head, newline, tail = data.partition(b"\n")
        if not newline:
            self._keep(head)
            return []
        first = b"".join((*self._pieces, head))
        *whole, rest = tail.split(b"\n")
        self._pieces, self._size = [], 0
        self._keep(rest)
        return [first, *whole]

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > MAX_LINE:
            raise ValueError(f"a line of more than {MAX_LINE >> 20} MiB")

    def end(self) -> bytes:
        """What came after the last newline."""
        rest, self._pieces = b"".join(self._pieces), []
        return rest


def rejection(position: int, own: ids.Id, field: str, reason: str) -> Outcome:
    """The outcome of a record that a batch gives up."""
    line = _ENCODER.encode({field: own, ERROR: reason})
    return Outcome(position, "rejection", line)


def shown(line: bytes) -> str:
    """The beginning of a line, on one line and without what could control a terminal."""
    text = line[: 4 * _SHOWN].decode(errors="replace")
    text = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

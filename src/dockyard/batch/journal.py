"""The outcomes of one shard as they come, so that a crash loses none that was written down.

A line of the journal is a letter for what it says, the position of the record, and the outcome:

    + 17 {"id": "a", "label": "cat"}        its result
    ! 18 {"id": "b", "error": "too long"}   its rejection
    - 17                                    no outcome any more: it was answered twice

The last line for a position counts. A line that was cut off by a crash isn't there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple, Self

from dockyard.batch.model import Counts, Outcome, OutcomeKind

_LINE = re.compile(rb"([-+!]) (\d+) (.*)\n", re.DOTALL)
_MARKS: dict[OutcomeKind, bytes] = {"result": b"+", "rejection": b"!"}
_KINDS: dict[bytes, OutcomeKind] = {mark: kind for kind, mark in _MARKS.items()}


class _Place(NamedTuple):
    """Where the outcome of a record is in the file."""

    kind: OutcomeKind
    offset: int
    size: int


class Journal:
    """Not for several threads at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._places: dict[int, _Place] = {}
        self._rejected = 0
        self._end = 0
        self._stream = open(path, "a+b")  # noqa: SIM115  # closed by close()
        try:
            self._replay()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __contains__(self, position: int) -> bool:
        return position in self._places

    @property
    def counts(self) -> Counts:
        return Counts(results=len(self._places) - self._rejected, rejected=self._rejected)

    def add(self, outcome: Outcome) -> None:
        """Writes down what came of a record; others see it after :meth:`flush`."""
        head = b"%b %d " % (_MARKS[outcome.kind], outcome.position)
        place = _Place(outcome.kind, self._end + len(head), len(outcome.line))
        self._forget(outcome.position)
        self._append(head + outcome.line + b"\n")
        self._set(outcome.position, place)

    def revoke(self, position: int) -> None:
        """The record has no outcome any more."""
        self._append(b"- %d \n" % position)
        self._forget(position)

    def flush(self) -> None:
        """From now on a crash of this process loses nothing that was added."""
        self._stream.flush()

    def outcomes(self, first: int, last: int) -> Iterator[Outcome]:
        """What came of the records from ``first`` up to ``last``, in this order."""
        self._stream.flush()
        number = self._stream.fileno()
        for position in range(first, last):
            kind, offset, size = self._places[position]
            yield Outcome(position, kind, os.pread(number, size, offset))

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

    def remove(self) -> None:
        """Deletes it: what it holds is elsewhere."""
        self.close()
        os.unlink(self._path)

    def _append(self, data: bytes) -> None:
        self._stream.write(data)
        self._end += len(data)

    def _set(self, position: int, place: _Place) -> None:
        self._places[position] = place
        self._rejected += place.kind == "rejection"

    def _forget(self, position: int) -> None:
        before = self._places.pop(position, None)
        self._rejected -= before is not None and before.kind == "rejection"

    def _replay(self) -> None:
        """Reads what is there, and cuts off what a crash has left unfinished."""
        self._stream.seek(0)
        for line in self._stream:
            found = _LINE.fullmatch(line)
            if found is None:
                break
            position = int(found[2])
            self._forget(position)
            if found[1] != b"-":
                place = _Place(_KINDS[found[1]], self._end + found.start(3), len(found[3]))
                self._set(position, place)
            self._end += len(line)
        self._stream.truncate(self._end)
        self._stream.seek(self._end)

"""The records of a batch on disk, so that any of them can be given to a container again.

Two files: the lines of all records, and where each begins. So a batch goes on whatever becomes of
its input meanwhile, and a shard or any part of one can be read without the others.
"""

from __future__ import annotations

import array
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

from dockyard.batch import ids
from dockyard.batch.model import Record
from dockyard.errors import InvalidInput

_LINES = "records"
_INDEX = "index"
_WIDTH = 8
_AT_ONCE = 5000
_PIECE = 1 << 20
_CACHE_KIB = 1 << 14


class Staged:
    """The records of a batch that is split."""

    def __init__(self, directory: str) -> None:
        self._lines = os.open(f"{directory}/{_LINES}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._index = os.open(f"{directory}/{_INDEX}", os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            os.close(self._lines)
            raise

    def close(self) -> None:
        """Closes both files."""
        os.close(self._lines)
        os.close(self._index)

    def line(self, position: int) -> bytes:
        """One record, without its newline."""
        begin, end = self._bounds(position)
        return os.pread(self._lines, end - begin - 1, begin)

    def lines(self, positions: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Records by their positions."""
        for position in positions:
            yield position, self.line(position)

    def copy(self, positions: Sequence[int], target: int) -> None:
        """Writes records to a descriptor, a line each; neighbours at once."""
        for first, last in _runs(positions):
            begin, end = self._bounds(first)[0], self._bounds(last)[1]
            while begin < end:
                data = os.pread(self._lines, min(_PIECE, end - begin), begin)
                _write_all(target, data)
                begin += len(data)

    def _bounds(self, position: int) -> tuple[int, int]:
        found = array.array("Q", os.pread(self._index, 2 * _WIDTH, position * _WIDTH))
        return found[0], found[1]


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours."""
    first = last = None
    for position in positions:
        if first is None or last is None:
            first = last = position
        elif position == last + 1:
            last = position
        else:
            yield first, last
            first = last = position
    if first is not None and last is not None:
        yield first, last


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def write(
    directory: str, records: Iterable[Record], where: str, tell: Callable[[int], None]
) -> int:
    """Writes the records of a batch, durably; how many there are.

    Args:
        where: the input's name, for messages.
        tell: hears now and then how many were read.

    Raises:
        InvalidInput: two records have one id, or there is none.
    """
    count = offset = 0
    starts = array.array("Q", [0])
    with (
        open(f"{directory}/{_LINES}", "wb") as lines,
        open(f"{directory}/{_INDEX}", "wb") as index,
        _Seen(where) as seen,
    ):
        for record in records:
            seen.add(record)
            lines.write(record.line)
            lines.write(b"\n")
            offset += len(record.line) + 1
            starts.append(offset)
            count += 1
            if len(starts) >= _AT_ONCE:
                index.write(starts.tobytes())
                del starts[:]
                tell(count)
        seen.flush()
        index.write(starts.tobytes())
        for stream in (lines, index):
            stream.flush()
            os.fsync(stream.fileno())
    if not count:
        raise InvalidInput(f"input {where} has no records", hint="give it one at least")
    return count


class _Seen:
    """All ids so far, in a file of SQLite's that has no name: in memory they may be too many."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._waiting: list[tuple[str, int]] = []
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(
            "CREATE TABLE ids (id TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def add(self, record: Record) -> None:
        """Notes an id.

        Raises:
            InvalidInput: it was there before; up to some thousand records later.
        """
        self._waiting.append((ids.text(record.id), record.place))
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Looks at those that :meth:`add` has put off. Raises as it does."""
        try:
            self._connection.executemany("INSERT INTO ids VALUES (?, ?)", self._waiting)
        except sqlite3.IntegrityError:
            raise self._twice() from None
        self._waiting.clear()

    def _twice(self) -> InvalidInput:
        for own, place in self._waiting:
            row = self._connection.execute("SELECT place FROM ids WHERE id=?", (own,)).fetchone()
            if row is not None and row[0] != place:
                return InvalidInput(
                    f'{self._where}:{place}: the id "{own}" is that of {self._where}:{row[0]} too',
                    hint="each record needs an id of its own; --id names another field",
                )
        return InvalidInput(
            f"{self._where}: an id is there twice", hint="each record needs an id of its own"
        )

"""Rows of CSV, with cells as long as a row may be."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from typing import TextIO

from dockyard.errors import InvalidInput

Numbered = tuple[int, list[str]]
"""The line on which a row begins (from 1), and its cells."""

_LIMIT = threading.Lock()
"""The module ``csv`` has one limit for the whole process, which others may depend on: it is raised
while a row is read and put back before anybody sees the row, by one thread at a time."""


class _Lines:
    """The lines of a text, of which those of one row are ``most`` characters at most."""

    def __init__(self, stream: TextIO, path: str, most: int) -> None:
        self._stream = stream
        self._path = path
        self._most = most
        self._number = 0
        self._left = most

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._left -= len(line)
        if self._left < 0:
            raise InvalidInput(
                f"{self._path}:{self._number}: the row is longer than {self._most >> 20} MiB",
                hint="put large content into files, and batch the folder; is a quote left open?",
            )
        return line

    def next_row(self) -> None:
        """What follows is another row."""
        self._left = self._most


def rows(path: str, most: int) -> Iterator[Numbered]:
    """The rows of a file, empty ones too.

    Args:
        most: characters of a row, and so of a cell.

    Raises:
        InvalidInput: it is no CSV, or a row is longer; the message says where.
        OSError: it can't be read.
    """
    with open(path, encoding="utf-8-sig", newline="") as stream:
        lines = _Lines(stream, path, most)
        reader = csv.reader(lines, strict=True)
        while True:
            begin = reader.line_num + 1
            lines.next_row()
            try:
                with _LIMIT:
                    before = csv.field_size_limit(most)
                    try:
                        cells = next(reader, None)
                    finally:
                        csv.field_size_limit(before)
            except (csv.Error, UnicodeDecodeError) as error:
                raise InvalidInput(
                    f"{path}:{reader.line_num}: no CSV: {error}",
                    hint="it has to be UTF-8, with commas, and quotes around what holds some",
                ) from error
            if cells is None:
                return
            yield begin, cells

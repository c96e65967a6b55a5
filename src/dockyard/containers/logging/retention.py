"""What stays of a log's complete files: the newest, and as much of them as there is room for."""

from __future__ import annotations

import contextlib
import os
import shutil
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from dockyard.containers.logging import files, readers

_PIECE = 1 << 20
_LONGEST_LINE = 1 << 16
"""conmon writes at most some 8 KiB."""
_MODE = 0o600
_LEVEL = 1
_GZIP = 16 + zlib.MAX_WBITS


def portions(found: Mapping[int, int], most: int, room: int) -> dict[int, int]:
    """How many bytes of the end of each complete file stay; 0 for one that goes. Pure.

    So many of the newest stay whole as there is room for, and of the next one what is left of it.

    Args:
        found: bytes, by number.
        most: how many files may stay.
        room: how many bytes may stay.
    """
    kept: dict[int, int] = {}
    for place, number in enumerate(sorted(found, reverse=True)):
        kept[number] = min(found[number], room) if place < most else 0
        room -= kept[number]
    return kept


def sizes(log: str) -> dict[int, int]:
    """Bytes of the complete files, by number."""
    found = {}
    for number, path in files.numbered(log).items():
        with contextlib.suppress(FileNotFoundError):  # without the lock, one may go just now
            found[number] = os.stat(path).st_size
    return found


def keep(log: str, most: int, room: int, *, compress: bool) -> None:
    """Removes or shortens what is more than that; see :func:`portions`.

    While somebody follows, only files that are too many go: he may not have come to what would be
    cut. The caller holds the container's lock.

    Args:
        compress: those that stay.
    """
    for path in files.left_unfinished(log):
        _remove(path)
    before = sizes(log)
    _reduce(log, before, portions(before, most, sum(before.values())))
    if sum(sizes(log).values()) > room:
        with readers.nobody(os.path.dirname(log)) as alone:
            if alone:
                _reduce(log, before, portions(before, most, room))
    if compress:
        for path in files.numbered(log).values():
            if not files.is_compressed(path):
                _compress(path)


def _reduce(log: str, before: Mapping[int, int], staying: Mapping[int, int]) -> None:
    found = files.numbered(log)
    for number, kept in staying.items():
        whole = kept == before[number]
        if not kept or (not whole and files.is_compressed(found[number])):
            plain = files.complete(log, number)
            _remove(plain)
            _remove(files.compressed(plain))
        elif not whole:
            _cut(found[number], kept)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _cut(path: str, kept: int) -> None:
    """Replaces a file by the lines of its end that fit, and by its last one in any case.

    It isn't synced: what the monitor writes isn't either.
    """
    with open(path, "rb") as source, open(files.unfinished(path), "wb") as target:
        os.fchmod(target.fileno(), _MODE)
        _seek_line(source, os.fstat(source.fileno()).st_size, kept)
        shutil.copyfileobj(source, target, _PIECE)
    os.rename(files.unfinished(path), path)


def _seek_line(source: BinaryIO, size: int, kept: int) -> None:
    """Goes to the first line that begins in the last ``kept`` bytes, or to the last line."""
    source.seek(size - kept - 1)
    source.readline()
    if source.tell() < size:
        return
    begin = max(size - _LONGEST_LINE, 0)
    source.seek(begin)
    end = source.read()
    source.seek(begin + end.rfind(b"\n", 0, -1) + 1)


def _compress(path: str) -> None:
    """Replaces a file by its gzip; a reader finds one or the other, whole."""
    temporary = files.unfinished(path)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    with open(path, "rb") as source, open(temporary, "wb") as target:
        os.fchmod(target.fileno(), _MODE)
        while piece := source.read(_PIECE):
            target.write(packer.compress(piece))
        target.write(packer.flush())
        target.flush()
        os.fsync(target.fileno())
    os.rename(temporary, files.compressed(path))
    os.unlink(path)

"""A log's files as one stream of lines, while new ones begin and old ones go."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from typing import Self

from dockyard.containers.logging import files

_PIECE = 1 << 16
_MOST_REST = 1 << 20
"""Bytes without a newline; conmon writes at most some 8 KiB, so more is nobody's line."""
_ATTEMPTS = 100
_GZIP = 16 + zlib.MAX_WBITS


class _File:
    """One file, read on while it grows."""

    def __init__(self, path: str, number: int) -> None:
        self.number = number
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._unpack = zlib.decompressobj(_GZIP) if files.is_compressed(path) else None
        self._rest = b""
        self._present = os.fstat(self.descriptor).st_size

    def lines(self) -> Iterator[bytes]:
        """What has been completed since the last call; damaged gzip ends where the damage is."""
        return self._lines(None)

    def present(self) -> Iterator[bytes]:
        """What was there when it was opened: a fast writer would keep one reading for ever."""
        return self._lines(self._present)

    def _lines(self, end: int | None) -> Iterator[bytes]:
        """The lines up to a place in the file; an unfinished one waits for its rest."""
        while piece := os.read(self.descriptor, self._next_size(end)):
            if self._unpack is not None:
                try:
                    piece = self._unpack.decompress(piece)  # the same, unpacked
                except zlib.error:
                    return
            *complete, self._rest = (self._rest + piece).split(b"\n")
            yield from complete
            if len(self._rest) > _MOST_REST:
                self._rest = b""

    def skip(self) -> None:
        """Goes on after what was there when it was opened."""
        for _ in self.present():
            pass

    def _next_size(self, end: int | None) -> int:
        if end is None:
            return _PIECE
        return max(min(end - os.lseek(self.descriptor, 0, os.SEEK_CUR), _PIECE), 0)

    def is_at(self, path: str) -> bool | None:
        """Whether this file has that name; ``None`` where nothing has."""
        try:
            other = os.stat(path)
        except FileNotFoundError:
            return None
        own = os.fstat(self.descriptor)
        return (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)

    def close(self) -> None:
        os.close(self.descriptor)


class Files:
    """The files of a log that are there now, and later those that follow. A context manager."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._files = self._open_all()
        self.is_turning = False
        """The last reading ended where a new file is being begun: more may come, whoever ended."""

    @property
    def found(self) -> bool:
        """There is a log."""
        return bool(self._files)

    def each(self) -> Iterator[Iterator[bytes]]:
        """The lines of each file that is there, oldest first."""
        return (file.present() for file in self._files)

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        """The lines of each file that is there, from the one that is written backwards."""
        return (file.present() for file in reversed(self._files))

    def skip(self) -> None:
        """Leaves out what is there."""
        if self._files:
            self._files[-1].skip()

    def fresh(self) -> Iterator[bytes]:
        """The lines written since, across files: one is done when another has its name."""
        while True:
            reading = self._files[-1]
            is_there = reading.is_at(self._log)
            done = is_there is False or (is_there is None and self._is_before_another(reading))
            yield from reading.lines()  # asked first: then nothing more is added
            self.is_turning = is_there is None
            if not done:
                return
            following = self._open_next(reading.number)
            self.is_turning = following is None
            if following is None:
                return
            reading.close()
            self._files[-1] = following

    def _is_before_another(self, file: _File) -> bool:
        """A later file is complete already; the one that is written may be missing for long, where
        the monitor ended before it began it."""
        return any(number > file.number for number in files.numbered(self._log))

    def _open_all(self) -> list[_File]:
        """All files, of one moment: opened again where one was begun meanwhile."""
        for _ in range(_ATTEMPTS):
            opened: list[_File] = []
            before = files.numbered(self._log)
            with contextlib.suppress(FileNotFoundError):
                for number, path in before.items():
                    opened.append(_File(path, number))
                with contextlib.suppress(FileNotFoundError):  # a rotation is at this point
                    opened.append(_File(self._log, max(before, default=0) + 1))
                if files.numbered(self._log).keys() == before.keys():
                    return opened
            for file in opened:
                file.close()
        return []

    def _open_next(self, number: int) -> _File | None:
        """The file after the one of this number; ``None`` where it isn't there yet, or any more."""
        for _ in range(_ATTEMPTS):
            later = [one for one in files.numbered(self._log).items() if one[0] > number]
            with contextlib.suppress(FileNotFoundError):
                if later:
                    return _File(later[0][1], later[0][0])
                found = _File(self._log, files.following(self._log))
                if not any(one > number for one in files.numbered(self._log)):
                    return found
                found.close()
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for file in self._files:
            file.close()

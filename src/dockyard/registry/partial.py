"""A blob of which a part is here: bytes that come in any order, and are read in theirs.

Beside the file is a journal of the ranges that were written. A process that is killed leaves both,
and the next one goes on from there. Power that fails may leave a journal that promises too much:
whoever takes the blob checks its digest, and begins anew once where it is another.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

from dockyard.errors import ContentMismatch, DockyardError
from dockyard.registry import chunks
from dockyard.registry.chunks import Range
from dockyard.registry.problems import Canceled
from dockyard.state.locks import Lock
from dockyard.state.paths import unusable
from dockyard.state.room import Room

_NEW: Final = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = ".part"
_JOURNAL: Final = ".journal"
_LOCK: Final = ".lock"
_CHECK_BYTES: Final = 16 << 20
"""After how much the disk is looked at again."""
STALE_SECONDS: Final = 7 * 24 * 3600.0
"""So old may a part be that nobody went on with."""


class Partial:
    """One blob's file. Safe between threads; other processes are kept out by a lock.

    Args:
        path: where the blob is going to be; its part is beside that.
        lock: of this blob, which is let go by :meth:`close`.
    """

    def __init__(self, path: str, size: int, lock: Lock) -> None:
        self.path = path
        self.size = size
        self._lock = lock
        self._room = Room(os.path.dirname(path))
        self._unchecked = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._file = self._journal = -1
        self._open_files()
        self._done = self._recorded()
        self._taken = self._done
        """With what is being written: nobody else writes there, as it may be read already."""
        self.resumed = bool(self._done)
        """Whether bytes of it are from before."""

    @classmethod
    def claim(cls, path: str, size: int) -> Self | None:
        """The blob's part for this process alone; ``None`` where another one is at it."""
        lock = Lock.try_acquire(path + _LOCK)
        if lock is None:
            return None
        try:
            return cls(path, size, lock)
        except BaseException:
            lock.release(remove=True)
            raise

    @classmethod
    def from_file(cls, path: str, size: int, source: str) -> Self | None:
        """:meth:`claim` of a blob that is all there, as another file that is never changed."""
        lock = Lock.try_acquire(path + _LOCK)
        if lock is None:
            return None
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + _FILE)
            os.link(source, path + _FILE)
            with open(path + _JOURNAL, "wb") as journal:
                journal.write(chunks.encode(Range(0, size)))
            return cls(path, size, lock)
        except OSError as error:
            lock.release(remove=True)
            raise unusable(path, error) from error

    @classmethod
    def wait_for(cls, path: str, size: int, pause: Callable[[], None]) -> Self:
        """The same, once another process that is at it has ended.

        Args:
            pause: waits a moment, and raises what ends the waiting.
        """
        while (claimed := cls.claim(path, size)) is None:
            pause()
        return claimed

    @property
    def done(self) -> tuple[Range, ...]:
        """The ranges that are here."""
        with self._changed:
            return self._done

    @property
    def there(self) -> int:
        """Bytes that are here, in whatever ranges."""
        return sum(each.length for each in self.done)

    @property
    def closed(self) -> bool:
        """Whether it was let go."""
        return self._file < 0

    @property
    def complete(self) -> bool:
        """Whether all bytes are here; they may be wrong."""
        return self.prefix == self.size

    @property
    def prefix(self) -> int:
        """Bytes that are here from the beginning on."""
        with self._changed:
            return self.size if self.size == 0 else chunks.prefix(self._done)

    def write(self, data: bytes, offset: int) -> None:
        """Puts bytes in their place. Those that are here already are not written again.

        Raises:
            DiskFull: there is no room.
            ContentMismatch: they would be behind the blob's end.
        """
        piece = Range(offset, offset + len(data))
        if piece.end > self.size:
            raise ContentMismatch(
                f"a blob is larger than the {self.size} bytes that its manifest promises",
                reference="size-mismatch",
            )
        with self._changed:
            ours = tuple(chunks.wanted(piece, chunks.missing(self.size, self._taken)))
            self._taken = chunks.merged((*self._taken, piece))
        view = memoryview(data)
        try:
            for each in ours:
                self._write(view[each.start - offset : each.end - offset], each)
        except OSError as error:
            raise unusable(self.path, error) from error

    def _write(self, data: memoryview, piece: Range) -> None:
        at = piece.start
        while at < piece.end:
            at += os.pwrite(self._file, data[at - piece.start :], at)
        with self._changed:
            os.write(self._journal, chunks.encode(piece))
            self._done = chunks.merged((*self._done, piece))
            self._unchecked += piece.length
            due = self._unchecked >= _CHECK_BYTES
            if due:
                self._unchecked = 0
            self._changed.notify_all()
        if due:
            self._room.check("what is downloaded")

    def read(self, offset: int, size: int) -> bytes:
        """Bytes in order, at most ``size``, waited for; none at the blob's end.

        Raises:
            What :meth:`fail` was told.
        """
        with self._changed:
            while True:
                there = chunks.prefix(self._done) - offset
                if there > 0 or offset >= self.size:
                    break
                if self._failure is not None:
                    raise self._failure
                self._changed.wait()
        if offset >= self.size:
            return b""
        try:
            return os.pread(self._file, min(size, there), offset)
        except OSError as error:
            raise unusable(self.path, error) from error

    def fail(self, error: BaseException) -> None:
        """Nothing more comes: whoever waits gets the error."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Whoever reads this has no more use for it: wakes the thread that reads for him."""
        self.fail(Canceled("canceled", hint="another error says why"))

    def reset(self) -> None:
        """Forgets what is here: it turned out to be wrong."""
        with self._changed:
            self._close_files(unlink=True)
            self._open_files()
            self._done = self._taken = ()
            self._failure = None
            self.resumed = False

    def discard(self) -> None:
        """Ends with nothing left."""
        self.close(keep=False)

    def finish(self, destination: str | None = None) -> None:
        """Moves the complete file to its path, or another place on the filesystem, and ends.

        Who needs it to be on disk has seen to that.
        """
        try:
            os.rename(self.path + _FILE, destination or self.path)
        except OSError as error:
            raise unusable(self.path, error) from error
        self.close(keep=False)

    def sync(self) -> None:
        """Brings the content to disk."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise unusable(self.path, error) from error

    def close(self, *, keep: bool = True) -> None:
        """Lets others have it; what is here stays for whoever goes on. Idempotent."""
        if self._file < 0:
            return
        self._close_files(unlink=not keep or not self._done)
        self._lock.release(remove=True)

    def _open_files(self) -> None:
        self._file = self._open(_FILE, os.O_RDWR)
        self._journal = self._open(_JOURNAL, os.O_RDWR | os.O_APPEND)

    def _close_files(self, *, unlink: bool) -> None:
        """A file that goes is not emptied: its content may have another name."""
        if unlink:
            for ending in (_FILE, _JOURNAL):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path + ending)
        os.close(self._file)
        os.close(self._journal)
        self._file = self._journal = -1

    def _open(self, ending: str, flags: int) -> int:
        try:
            return os.open(self.path + ending, flags | _NEW, 0o600)
        except OSError as error:
            raise unusable(self.path, error) from error

    def _recorded(self) -> tuple[Range, ...]:
        """What the journal says, as far as the file is long."""
        there = os.fstat(self._file).st_size
        if there > self.size:
            self._close_files(unlink=True)
            self._open_files()
            return ()
        journal = os.pread(self._journal, os.fstat(self._journal).st_size, 0)
        return chunks.decode(journal, there)


def names(directory: str) -> Iterator[str]:
    """Paths of blobs of which a part, or a trace of one, is in a directory."""
    found = set()
    for name in os.listdir(directory):
        stem, ending = os.path.splitext(name)
        if ending in {_FILE, _JOURNAL, _LOCK}:
            found.add(f"{directory}/{stem}")
    yield from sorted(found)


def sweep(directory: str, *, age: float = STALE_SECONDS) -> int:
    """Removes parts that nobody is at, and that were not written for ``age`` seconds.

    Returns:
        The bytes that they held.
    """
    freed = 0
    for path in names(directory):
        with contextlib.suppress(DockyardError):
            freed += _sweep(path, age)
    return freed


def _sweep(path: str, age: float) -> int:
    lock = Lock.try_acquire(path + _LOCK)
    if lock is None:
        return 0
    try:
        freed = 0
        for ending in (_FILE, _JOURNAL):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(path + ending)
                if time.time() - status.st_mtime < age:
                    return freed
                os.unlink(path + ending)
                freed += status.st_blocks * 512
        return freed
    finally:
        lock.release(remove=True)

"""How far an archive may grow while it is unpacked: a small one must not fill a disk, nor hold a
processor for hours.

What counts is how many times the size of what came from outside is written, all in all: an
archive may be compressed whole and have compressed layers, and may name a layer more than once.
Up to 1 GiB anything goes.

- Zeros are written as holes, which take time but no space. A file that was made larger than its
  content (a database's, ``/var/log/lastlog``, a disk image) is mostly zeros and real, and gzip
  makes 1/1,029 of it, zstd 1/32,000. So zeros are refused only beyond what gzip can do.
- Everything else takes space. Text, programs and weights shrink to a third, logs and tables to a
  hundredth; what shrinks to 1/500 is a few bytes, repeated.
"""

from __future__ import annotations

import threading

import msgspec

from dockyard.errors import HostileInput
from dockyard.images.decompress import Readable, Unpacked
from dockyard.images.streams import Watched
from dockyard.state.room import Room
from dockyard.system import holes

_CHECK_BYTES = 4 << 20
"""After how much the disk is looked at again."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are free, and how many times its size an archive may have beyond them.

    ``ratio`` is that of what takes space, ``blank_ratio`` of all, with zeros.
    """

    free: int = 1 << 30
    ratio: int = 500
    blank_ratio: int = 5_000


BOUNDS = Bounds()


def passed(bounds: Bounds, *, read: int, content: int, blank: int) -> int | None:
    """The ratio that is passed, if one is. Pure.

    Args:
        read: bytes that came from outside.
        content: bytes that were made of them, and take space.
        blank: zeros besides.
    """
    if content > max(bounds.free, bounds.ratio * read):
        return bounds.ratio
    if content + blank > max(bounds.free, bounds.blank_ratio * read):
        return bounds.blank_ratio
    return None


class Growth:
    """What one archive has grown to so far, with all that is in it. Safe between threads.

    Args:
        directory: on the filesystem that is written to.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._room: Room | None = None
        self._bounds = BOUNDS
        self._read = self._content = self._blank = 0
        self._checked = 0
        self._guard = threading.Lock()

    def came(self, count: int) -> None:
        """Bytes came from outside."""
        with self._guard:
            self._read += count

    def unpacked(self, stream: Readable, *, max_bytes: int, outside: bool = True) -> Readable:
        """The plain bytes of a stream, counted; see :class:`Unpacked` for its errors.

        Args:
            outside: what is in the stream was not counted yet; false for a part of an archive
                that is itself being read.

        Raises:
            HostileInput: on reading, they are too many for what they were made of.
            DiskFull: on reading, there is no room for more.
        """
        source = Watched(stream, lambda data: self.came(len(data))) if outside else stream
        return Watched(Unpacked(source, max_bytes=max_bytes), self._add)

    def _add(self, data: bytes) -> None:
        content = sum(end - begin for begin, end in holes.stretches(data))
        with self._guard:
            self._content += content
        self.add_blank(len(data) - content)

    def add_blank(self, count: int) -> None:
        """Zeros that weren't even in it: a file says that it has them.

        Raises:
            HostileInput, DiskFull: as on reading.
        """
        with self._guard:
            self._blank += count
        ratio = passed(self._bounds, read=self._read, content=self._content, blank=self._blank)
        if ratio is not None:
            raise HostileInput(
                f"the archive grows to more than {ratio} times its size when it is unpacked:"
                f" {self._content + self._blank} bytes of {self._read}",
                hint="it looks like a decompression bomb; if it is meant so, decompress it first"
                " (gunzip, unzstd, unxz) and give the plain tar",
                reference="decompression-bomb",
            )
        if self._content - self._checked >= _CHECK_BYTES:
            self._checked = self._content
            self._look()

    def _look(self) -> None:
        if self._room is None:
            self._room = Room(self._directory)
        self._room.check("the archive's files")

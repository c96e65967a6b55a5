"""The files of an image archive: a tar, compressed or not, from a file or a pipe, or a directory.

Nothing of it is unpacked: a tar is read once for an index of its files, and read at these places
afterwards. So a path in it can lead nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from typing import BinaryIO, Protocol

from dockyard.errors import ContentMismatch, HostileInput
from dockyard.images.confined import clean
from dockyard.images.decompress import BLOCK, Readable, is_compressed
from dockyard.images.growth import Growth
from dockyard.images.tarreader import members
from dockyard.observability.progress import UNHEARD, Counted, Counter
from dockyard.oci.image import MAX_DOCUMENT_BYTES
from dockyard.system import holes, syscalls

MAX_ENTRIES = 100_000
_MAX_BYTES = 1 << 40
_MAX_LINKS = 8
_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS


class Slice:
    """A stretch of an open file, read in one direction."""

    def __init__(self, descriptor: int, offset: int, size: int, *, owned: bool = False) -> None:
        self._descriptor = descriptor
        self._position = offset
        self._end = offset + size
        self._owned = owned
        self.size = size

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = os.pread(self._descriptor, min(size, self._end - self._position), self._position)
        self._position += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay to be read."""
        return os.pread(self._descriptor, min(size, self._end - self._position), self._position)

    def forward(self, count: int) -> None:
        """Leaves out the next bytes."""
        self._position = min(self._position + count, self._end)

    def close(self) -> None:
        """Closes the file where it is the slice's own."""
        if self._owned:
            os.close(self._descriptor)


class Parts(Protocol):
    """The files of an archive by their paths."""

    def open(self, name: str) -> Slice | None:
        """A file, ``None`` where there is none; the caller closes it."""

    def close(self) -> None:
        """Gives up what is open."""


def document(parts: Parts, name: str) -> bytes:
    """The content of a small file.

    Raises:
        ContentMismatch: it is missing.
        HostileInput: it is too large for what it is.
    """
    found = parts.open(name)
    if found is None:
        raise ContentMismatch(
            f"the archive names {name!r}, which it doesn't have",
            hint="it is incomplete; make it again with save",
            reference="incomplete-archive",
        )
    try:
        if found.size > MAX_DOCUMENT_BYTES:
            raise HostileInput(f"{name!r} has {found.size} bytes", reference="archive-too-large")
        data = b""
        while len(data) < found.size and (more := found.read(found.size - len(data))):
            data += more
        return data
    finally:
        found.close()


class DirectoryParts:
    """A layout that was unpacked already; its links stay in it.

    Args:
        growth: counts what is read of it.
    """

    def __init__(self, directory: str, growth: Growth) -> None:
        self._growth = growth
        self._counted: set[tuple[int, int]] = set()
        self._root = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def open(self, name: str) -> Slice | None:
        """A file, ``None`` where there is none; the caller closes it."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
        try:
            descriptor = syscalls.openat2(self._root, clean(name) or ".", flags, resolve=_RESOLVE)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}:
                return None
            raise
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return None
        self._count(status)
        return Slice(descriptor, 0, status.st_size, owned=True)

    def _count(self, status: os.stat_result) -> None:
        """Each file once, however many layers it is said to be."""
        inode = (status.st_dev, status.st_ino)
        if inode not in self._counted:
            self._counted.add(inode)
            self._growth.came(status.st_size)

    def close(self) -> None:
        """Closes the directory."""
        os.close(self._root)


class TarParts:
    """A tar archive.

    Args:
        stream: read to its end.
        spool: a path for what can't be read at any place: a pipe, or something compressed.
        growth: counts what is read, and what it grows to in ``spool``.
        counter: counts the bytes of the stream, for whoever watches.

    Raises:
        ContentMismatch: it is no tar archive, or damaged.
        HostileInput: it has too many entries, or paths that lead out of it, or grows as only a
            bomb does.
    """

    def __init__(
        self, stream: BinaryIO, spool: str, growth: Growth, counter: Counter = UNHEARD
    ) -> None:
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        if _is_plain_file(stream):
            self._descriptor = os.dup(stream.fileno())
            whole = Slice(self._descriptor, 0, os.fstat(self._descriptor).st_size)
            growth.came(whole.size)
            self._index(Counted(whole, counter))
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(spool, flags, 0o600)
        plain = growth.unpacked(Counted(stream, counter), max_bytes=_MAX_BYTES)
        self._index(_Spooled(plain, self._descriptor))

    def open(self, name: str) -> Slice | None:
        """A file, ``None`` where there is none."""
        path = clean(name)
        for _ in range(_MAX_LINKS):
            if path in self._places:
                return Slice(self._descriptor, *self._places[path])
            if path not in self._links:
                return None
            path = self._links[path]
        return None

    def close(self) -> None:
        """Closes the archive."""
        os.close(self._descriptor)

    def _index(self, source: Readable) -> None:
        try:
            for count, (_, member) in enumerate(members(source), start=1):
                if count > MAX_ENTRIES:
                    raise HostileInput(
                        f"the archive has more than {MAX_ENTRIES} entries",
                        reference="archive-too-large",
                    )
                self._note(member)
        except BaseException:
            self.close()
            raise

    def _note(self, member: tarfile.TarInfo) -> None:
        path = clean(member.name)
        self._places.pop(path, None)
        self._links.pop(path, None)
        if member.issym():
            target = member.linkname.lstrip("/")
            above = "" if member.linkname.startswith("/") else os.path.dirname(path)
            self._links[path] = clean(os.path.normpath(f"{above}/{target}"))
        elif member.islnk():
            self._links[path] = clean(member.linkname)
        elif member.isreg() and not member.issparse():
            self._places[path] = (member.offset_data, member.size)
        elif not member.isdir():
            raise HostileInput(
                "an image archive has files, directories and links only",
                context=f"entry {member.name!r}",
                hint="dockyard import takes the tar of a root filesystem",
            )


class _Spooled:
    """A stream that is written to a new file while it is read."""

    def __init__(self, source: Readable, descriptor: int) -> None:
        self._source = source
        self._descriptor = descriptor
        self._size = 0

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = self._source.read(size)
        holes.write(self._descriptor, data, self._size)
        self._size += len(data)
        os.ftruncate(self._descriptor, self._size)
        return data


def _is_plain_file(stream: BinaryIO) -> bool:
    try:
        descriptor = stream.fileno()
    except OSError:  # io.BytesIO has none
        return False
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or stream.tell() != 0:
        return False
    return not is_compressed(os.pread(descriptor, BLOCK, 0))

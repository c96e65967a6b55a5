"""Reading tar archives in one direction, by tarfile, with what it lets pass refused."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar, cast

from dockyard.errors import ContentMismatch, DockyardError, HostileInput
from dockyard.images import xattrs
from dockyard.images.decompress import Readable, Unpacked
from dockyard.system import holes

_CHUNK_BYTES = 1 << 20
_STREAM_BYTES = 1 << 15
"""tarfile copies what is left of this with every header, so it must not be large."""
_MAX_EXTENSION_BYTES = 1 << 20
"""The longest pax header or GNU long name; tarfile reads it into memory."""
_MAX_ID = 2**32 - 2
_MAX_SECONDS = 2**34 - 1
"""The latest time that ext4 can store."""
_BLOCK = 512
_XATTR_PREFIX = "SCHILY.xattr."
_EXTENSIONS = frozenset(
    (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
     tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
)  # fmt: skip
_MALFORMED = (tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError)
"""What tarfile raises for archives that don't follow the format."""


def members(source: Readable) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The entries in order. The content of one must be read before the next is asked for.

    Raises:
        ContentMismatch: it is no tar archive, or damaged.
        HostileInput: a header of absurd size.
    """
    name = "the beginning"

    class Header(_Header):
        """This archive's own, since it remembers the end."""

    try:
        with tarfile.open(
            fileobj=cast("BinaryIO", source), mode="r|", bufsize=_STREAM_BYTES, tarinfo=Header,
            encoding="utf-8", errors="surrogateescape",
        ) as tar:  # fmt: skip
            if cast("Any", tar).firstmember is None and not Header.ended:
                raise ValueError("its first entry makes no sense")
            while (member := tar.next()) is not None:
                cast("Any", tar).members.clear()  # tarfile would keep them all
                if member.size < 0:
                    raise HostileInput(f"a size of {member.size}", context=f"entry {member.name!r}")
                name = repr(member.name)
                yield tar, member
            if not Header.ended:  # tarfile stops, too, where it can't go on
                raise ValueError("it breaks off")
    except _MALFORMED as error:
        raise _damaged(error, f"after {name}") from error


def is_archive(path: str) -> bool:
    """True for a file that ``ADD`` unpacks: a tar with at least one entry, plain or compressed.

    Symlinks are followed: give a file of a hostile tree as ``/proc/self/fd/N``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return False
    with open(descriptor, "rb") as stream:
        return _begins_with_header(stream)


def _begins_with_header(stream: BinaryIO) -> bool:
    """True where a tar with at least one entry begins, plain or compressed."""
    try:
        source = Unpacked(stream, max_bytes=_CHUNK_BYTES)
        block = b""
        while len(block) < _BLOCK and (part := source.read(_BLOCK - len(block))):
            block += part
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (DockyardError, *_MALFORMED):
        return False
    return True


def copy_content(tar: tarfile.TarFile, member: tarfile.TarInfo, descriptor: int) -> None:
    """Writes a file's content; zeros become holes.

    Args:
        descriptor: of a new file.

    Raises:
        ContentMismatch: the archive ends early.
    """
    source = cast("Readable", tar.extractfile(member) if member.issparse() else tar.fileobj)
    rest = member.size
    while rest:
        chunk = source.read(min(rest, _CHUNK_BYTES))
        if not chunk:
            raise ContentMismatch("the archive ends early", reference="damaged-archive")
        holes.write(descriptor, chunk, member.size - rest)
        rest -= len(chunk)
    os.ftruncate(descriptor, member.size)


def owner_of(member: tarfile.TarInfo) -> tuple[int, int]:
    """User and group id.

    Raises:
        HostileInput: they are no ids.
    """
    if not (0 <= member.uid <= _MAX_ID and 0 <= member.gid <= _MAX_ID):
        raise HostileInput(f"an impossible owner, {member.uid}:{member.gid}")
    return member.uid, member.gid


def device_of(member: tarfile.TarInfo) -> int:
    """The number of a device node, for mknod(2); 0 for a FIFO, whatever its entry says.

    Raises:
        HostileInput: there is no such device, or overlayfs takes it for a deletion.
    """
    major, minor = member.devmajor, member.devminor
    if member.isfifo():
        return 0
    if not (0 <= major < 2**12 and 0 <= minor < 2**20):
        raise HostileInput("a device node with an impossible number")
    if member.ischr() and major == minor == 0:
        raise HostileInput("a device node that overlayfs takes for a deletion")
    return os.makedev(major, minor)


def nanoseconds_of(member: tarfile.TarInfo) -> int:
    """The entry's time within what filesystems can store; a pax header may say anything."""
    seconds = member.mtime
    if not 0 <= seconds <= _MAX_SECONDS:
        return 0
    return int(seconds * 1_000_000_000)


def xattrs_of(member: tarfile.TarInfo) -> Iterator[tuple[str, bytes]]:
    """The extended attributes that are content.

    Raises:
        HostileInput: there is one that steers overlayfs.
    """
    for key, value in member.pax_headers.items():
        if not key.startswith(_XATTR_PREFIX):
            continue
        name = key.removeprefix(_XATTR_PREFIX)
        if xattrs.is_overlay(name):
            raise HostileInput(f"the attribute {name}, which steers overlayfs")
        if xattrs.is_content(name):
            yield name, value.encode("utf-8", "surrogateescape")


class _Header(tarfile.TarInfo):
    """Refuses what tarfile would take for the end of the archive or read into memory whole."""

    ended: ClassVar[bool] = False
    """True once the block after the last entry was read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        with cls._telling_damage(buf):
            return _of_sane_size(super().frombuf(buf, encoding, errors))

    @classmethod
    def _frombuf(cls, buf: bytes, encoding: str, errors: str, **options: bool) -> _Header:
        """What newer patch releases of tarfile call instead of :meth:`frombuf`."""
        with cls._telling_damage(buf):
            parse = cast("Any", super())._frombuf  # noqa: SLF001  # there is no public place
            return _of_sane_size(cast("_Header", parse(buf, encoding, errors, **options)))

    @classmethod
    @contextlib.contextmanager
    def _telling_damage(cls, block: bytes | bytearray) -> Iterator[None]:
        """Tells a broken header from the end of the archive, which is an empty or zero block."""
        try:
            yield
        except tarfile.HeaderError as error:
            if len(block) == 0 or (len(block) == _BLOCK and not any(block)):
                cls.ended = True
                raise
            raise _damaged(error, None) from error


def _of_sane_size(header: _Header) -> _Header:
    if header.size < 0 or (header.type in _EXTENSIONS and header.size > _MAX_EXTENSION_BYTES):
        raise HostileInput(f"a header of the archive has the size {header.size}")
    return header


def _damaged(error: Exception, context: str | None) -> ContentMismatch:
    return ContentMismatch(
        f"not a tar archive, or a damaged one: {error}",
        context=context,
        reference="damaged-archive",
    )

"""Reading an archive whatever it is compressed with, at most as much as the caller allows."""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol, cast

from dockyard.errors import ComponentMissing, ContentMismatch, HostileInput

_CHUNK_BYTES = 1 << 18
_MAX_MEMORY_BYTES = 1 << 28
"""What a decoder may take; the largest preset of xz needs 65 MiB."""
_MAX_ZSTD_WINDOW_BYTES = 1 << 27

_GZIP = b"\x1f\x8b\x08"
_BZIP2 = b"BZh"
_XZ = b"\xfd7zXZ\0"
_ZSTD = b"\x28\xb5\x2f\xfd"

BLOCK = 512
"""The size of a tar's header, which says what a stream is: its first file may be named ``BZh``."""
_CHECKSUM = slice(148, 156)


class Readable(Protocol):
    """What an archive is read from, in one direction."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


def is_compressed(head: bytes) -> bool:
    """True where a stream is compressed in a way that :class:`Unpacked` knows.

    Args:
        head: its first :data:`BLOCK` bytes, or all where it is shorter.
    """
    return head.startswith((_GZIP, _BZIP2, _XZ, _ZSTD)) and not _is_header(head)


def _is_header(block: bytes) -> bool:
    """True for the header of a tar's entry: it has the sum of its own bytes (POSIX ``ustar``)."""
    if len(block) < BLOCK:
        return False
    text = block[_CHECKSUM].strip(b" \0")
    if not text or text.strip(b"01234567"):
        return False
    rest = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop : BLOCK]
    signed = sum(byte - 256 if byte > 127 else byte for byte in rest)  # as old tars count
    return int(text, 8) in {sum(rest), signed}


class Unpacked:
    """The plain bytes of a stream that may be compressed: gzip, bzip2, xz, zstd or not at all.

    What is written to a disk is read by :meth:`dockyard.images.growth.Growth.unpacked` instead.

    Raises:
        ContentMismatch: on reading, the compressed data is damaged or ends early.
        ComponentMissing: no zstd decoder is installed.
        HostileInput: on reading, there are more than ``max_bytes`` bytes.
    """

    def __init__(self, stream: Readable, *, max_bytes: int) -> None:
        head = _read_fully(stream, BLOCK)
        self._errors: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError)
        self._inner = self._open(head, _Rejoined(head, stream))
        self._max = max_bytes
        self._rest = max_bytes

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        try:
            data = self._inner.read(size)
        except self._errors as error:
            raise _damaged(error) from error
        except OSError as error:
            if error.errno is not None:  # the stream's own trouble, not the data's
                raise
            raise _damaged(error) from error
        self._rest -= len(data)
        if self._rest < 0:
            raise HostileInput(
                f"the archive is larger than {self._max} bytes unpacked",
                reference="archive-too-large",
            )
        return data

    def _open(self, head: bytes, source: Readable) -> Readable:
        if not is_compressed(head):
            return source
        if head.startswith(_GZIP):
            return self._open_gzip(source)
        if head.startswith(_BZIP2):
            return _Inflater(source, bz2.BZ2Decompressor)
        if head.startswith(_XZ):
            return _Inflater(source, lambda: lzma.LZMADecompressor(memlimit=_MAX_MEMORY_BYTES))
        return self._open_zstd(source)

    def _open_gzip(self, source: Readable) -> Readable:
        """By ISA-L, which takes half the time of zlib."""
        from isal import igzip_lib

        self._errors += (cast("type[Exception]", igzip_lib.IsalError),)
        return _Inflater(source, lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))

    def _open_zstd(self, source: Readable) -> Readable:
        try:
            zstandard = importlib.import_module("zstandard")
        except ImportError as error:
            raise ComponentMissing(
                "the archive is compressed with zstd, and no decoder is installed",
                hint="pip install zstandard, or compress it with gzip or xz",
            ) from error
        self._errors += (zstandard.ZstdError,)
        decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW_BYTES)
        return cast("Readable", decoder.stream_reader(source, read_across_frames=True))


class _Rejoined:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        if not self._head:
            return self._stream.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


class _Decoder(Protocol):
    """One compressed stream, as the standard library's decoders have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Inflater:
    """Concatenated gzip, bzip2 or xz streams (and zero padding) as one."""

    def __init__(self, source: Readable, new: Callable[[], _Decoder]) -> None:
        self._source = source
        self._new = new
        self._decoder = new()

    def read(self, size: int) -> bytes:
        while True:
            if self._decoder.eof:
                tail = self._next_stream(self._decoder.unused_data)
                if not tail:
                    return b""
                self._decoder = self._new()
                data = self._decoder.decompress(tail, size)
            elif self._decoder.needs_input:
                chunk = self._source.read(_CHUNK_BYTES)
                if not chunk:
                    raise EOFError("compressed data ends early")
                data = self._decoder.decompress(chunk, size)
            else:
                data = self._decoder.decompress(b"", size)
            if data:
                return data

    def _next_stream(self, tail: bytes) -> bytes:
        tail = tail.lstrip(b"\0")
        while not tail:
            chunk = self._source.read(_CHUNK_BYTES)
            if not chunk:
                return b""
            tail = chunk.lstrip(b"\0")
        return tail


def _read_fully(stream: Readable, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := stream.read(size - len(data))):
        data += part
    return data


def _damaged(error: Exception) -> ContentMismatch:
    return ContentMismatch(f"the archive is damaged: {error}", reference="damaged-archive")

"""Compressed layers on disk that are about to be sent: a bounded number of them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
from collections.abc import Callable
from typing import BinaryIO, Final

import msgspec

from dockyard.images.archive import write_tar
from dockyard.images.model import Layer
from dockyard.observability.transfers import Track
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.registry.compress import Compressor
from dockyard.state.paths import unusable

_POLL_SECONDS: Final = 0.1


class Made(msgspec.Struct, frozen=True):
    """A compressed layer in a file."""

    descriptor: Descriptor
    path: str

    @property
    def open_at(self) -> Callable[[int], BinaryIO]:
        """Opens the file from an offset on."""
        return opener(self.path)


def opener(path: str) -> Callable[[int], BinaryIO]:
    """Opens a file from an offset on."""

    def open_at(offset: int) -> BinaryIO:
        stream = open(path, "rb")  # noqa: SIM115  # the caller closes it
        stream.seek(offset)
        return stream

    return open_at


class Workshop:
    """Makes compressed layers in a directory, which is the caller's to remove.

    Args:
        most: how many there may be at once.
        check: called often; raises where the work is to end.
    """

    def __init__(
        self, directory: str, compressor: Compressor, *, most: int, check: Callable[[], None]
    ) -> None:
        self._directory = directory
        self._compressor = compressor
        self._room = threading.Semaphore(most)
        self._check = check

    def make(self, layer: Layer, directory: str, blob: str, track: Track) -> Made:
        """Compresses a layer, which the caller holds; :meth:`discard` it when it is sent.

        Args:
            directory: the layer's.
            blob: the file with its tar, where it came from elsewhere.

        Raises:
            ContentMismatch: the layer on disk is not what it was.
            DiskFull: there is no room for it.
        """
        while not self._room.acquire(timeout=_POLL_SECONDS):
            self._check()
        track.phase("compressing", layer.size)
        path = f"{self._directory}/{digests.hex_of(layer.diff_id)}"
        try:
            with open(path, "wb", buffering=0) as stream:
                sink = _Sink(stream, path)
                self._compress(layer, directory, blob, sink, track)
        except BaseException:
            self._remove(path)
            raise
        return Made(sink.descriptor(self._compressor.compression.media_type), path)

    def discard(self, made: Made) -> None:
        """Removes one, which makes room for another."""
        self._remove(made.path)

    def _compress(self, layer: Layer, directory: str, blob: str, sink: _Sink, track: Track) -> None:
        stream = self._compressor.stream(sink.write)

        def write(part: bytes | memoryview) -> None:
            self._check()
            stream.write(part)
            track.add(len(part))

        write_tar(layer, directory, blob, write)
        stream.finish()

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._room.release()


class _Sink:
    """A file whose bytes are hashed as they come."""

    def __init__(self, stream: io.RawIOBase | BinaryIO, path: str) -> None:
        self._stream = stream
        self._path = path
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._stream.write(rest) or 0 :]
        except OSError as error:
            raise unusable(self._path, error) from error

    def descriptor(self, media_type: str) -> Descriptor:
        digest = digests.PREFIX + self._digest.hexdigest()
        return Descriptor(media_type=media_type, digest=digest, size=self._size)

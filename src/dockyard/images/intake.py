"""Taking in layers that were made elsewhere: verified while they are read, unpacked once.

A layer whose bytes our own writer makes again from the directory is kept as a directory alone, as
one of ours. Of any other the tar is kept too: nothing else has its digest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec

from dockyard.errors import ContentMismatch, DockyardError
from dockyard.images import tarwriter
from dockyard.images.arrival import chain_id
from dockyard.images.decompress import BLOCK, Readable, is_compressed
from dockyard.images.growth import Growth
from dockyard.images.layers import LayerStore
from dockyard.images.layers import Unpacked as UnpackedLayer
from dockyard.images.model import KEEP_TIMES, Layer, Times
from dockyard.images.streams import Hashed, Watched, drain
from dockyard.images.untar import DEFAULT_LIMITS, extract_layer
from dockyard.images.view import LowerView
from dockyard.images.workplace import make_root
from dockyard.observability.progress import UNHEARD, Counted, Counter, Listener, counted
from dockyard.oci import digest as digests
from dockyard.state.paths import unusable

_HEAD_BYTES = 1 << 16


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a layer beforehand; ``digest`` and ``size`` are those of the blob.

    ``epoch`` and ``times`` are those with which our writer may make the tar again.
    """

    diff_id: str
    digest: str | None = None
    size: int | None = None
    epoch: int = KEEP_TIMES
    times: Times = "clamp"


class Part(Readable, Protocol):
    """A file of an archive."""

    size: int

    def peek(self, size: int) -> bytes:
        """The first bytes, which stay to be read."""


class Intake:
    """Takes layers in for one holder.

    Args:
        holder: a name whose lock the caller holds.
        directory: an empty directory of the caller's on the filesystem of the layers.
        growth: counts what all of them grow to; whoever opens their parts counts what comes in.
        progress: hears how many bytes of a layer are compared with what we would write.
    """

    def __init__(
        self,
        layers: LayerStore,
        holder: str,
        directory: str,
        growth: Growth,
        progress: Listener | None = None,
    ) -> None:
        self._layers = layers
        self._holder = holder
        self._directory = directory
        self._growth = growth
        self._progress = progress
        self._count = 0

    def known(self, diff_id: str, below: Sequence[Layer]) -> Layer | None:
        """The layer where this root has it already, leased."""
        return self._layers.find(diff_id, chain_of(below), self._holder)

    def take(
        self, part: Part, blob: Blob, below: Sequence[Layer], counter: Counter = UNHEARD
    ) -> Layer:
        """Unpacks a layer above those below.

        Args:
            counter: counts the bytes of the part.

        Raises:
            ContentMismatch: it is damaged, or not what it should be; nothing of it stays.
            HostileInput: it tries to get out of its directory, is too large, or grows too far.
        """
        self._count += 1
        place = f"{self._directory}/{self._count}"
        try:
            unpacked = self._unpack(part, blob, below, place, counter)
        except OSError as error:
            raise unusable(self._directory, error) from error
        except DockyardError as error:
            error.context = f"layer {digests.short(blob.diff_id)}: {error.context or 'its content'}"
            raise
        return self._layers.adopt(unpacked, holder=self._holder)

    def _unpack(
        self, part: Part, blob: Blob, below: Sequence[Layer], place: str, counter: Counter
    ) -> UnpackedLayer:
        make_root(place)
        lower = LowerView(self._layers.paths_of(below))
        with open(f"{place}.blob", "wb") as kept:
            keeper = Keeper(kept, compressed=is_compressed(part.peek(BLOCK)))
            raw = Hashed(Watched(Counted(part, counter), keeper.write))
            grown = self._growth.unpacked(raw, max_bytes=DEFAULT_LIMITS.bytes, outside=False)
            plain = Hashed(grown)
            head = bytearray()
            seen = Watched(plain, lambda data: head.extend(data[: _HEAD_BYTES - len(head)]))
            extracted = extract_layer(seen, place, self._growth, lower=lower)
            drain(seen)
            drain(raw)
            keeper.finish()
        _check(blob, raw, plain)
        checking = Counter(self._progress, "checking", plain.size)
        ours = _is_ours(place, _Comparison(bytes(head)), plain.digest, blob, checking)
        if ours:
            os.unlink(f"{place}.blob")
        return UnpackedLayer(
            directory=place,
            diff_id=blob.diff_id,
            size=plain.size,
            epoch=blob.epoch,
            times=blob.times,
            chain=None if extracted.self_contained else chain_of(below),
            blob=None if ours else f"{place}.blob",
        )


def chain_of(below: Sequence[Layer]) -> str:
    """The chain ID of layers; empty for none."""
    return chain_id(layer.diff_id for layer in below)


class Keeper:
    """Writes a blob to a file, compressed if it isn't yet."""

    def __init__(self, stream: BinaryIO, *, compressed: bool) -> None:
        self._stream = stream
        self._compressor = None
        if not compressed:
            import zstandard

            self._compressor = zstandard.ZstdCompressor(level=1).compressobj()

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        self._stream.write(self._compressor.compress(data) if self._compressor else data)

    def finish(self) -> None:
        """Writes what is still to come."""
        if self._compressor:
            self._stream.write(self._compressor.flush())


def _check(blob: Blob, raw: Hashed, plain: Hashed) -> None:
    for what, wanted, found in (
        ("size", blob.size, raw.size),
        ("digest", blob.digest, raw.digest),
        ("digest unpacked", blob.diff_id, plain.digest),
    ):
        if wanted is not None and wanted != found:
            raise ContentMismatch(
                f"a layer is not what its image says: its {what} is {found}, not {wanted}"
            )


def _is_ours(
    directory: str, written: _Comparison, digest: str, blob: Blob, counter: Counter
) -> bool:
    """Whether our writer makes the very tar from the directory."""
    write = counted(written.write, counter)
    try:
        tarwriter.write_layer(directory, write, epoch=blob.epoch, times=blob.times)
    except (_DifferentError, DockyardError):
        return False
    return written.digest == digest


class _DifferentError(Exception):
    """The beginning differs already."""


class _Comparison:
    """Takes a tar that may be the same as one that begins with ``head``."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._digest = hashlib.sha256()
        self._seen = 0

    def write(self, part: bytes | memoryview) -> None:
        """Compares the beginning at once, the rest by digest."""
        expected = self._head[self._seen : self._seen + len(part)]
        if bytes(part[: len(expected)]) != expected:
            raise _DifferentError
        self._digest.update(part)
        self._seen += len(part)

    @property
    def digest(self) -> str:
        """Of all that was written."""
        return digests.PREFIX + self._digest.hexdigest()

"""``--cache-to``: writes results of steps into a directory, or wherever else blobs can be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from dockyard.build.cache import Origin
from dockyard.build.sharing import documents
from dockyard.build.sharing.documents import Contents, SharedLayer, SharedRecord
from dockyard.errors import ContentMismatch
from dockyard.images.archive import Write, write_tar
from dockyard.images.intake import chain_of
from dockyard.images.layout import LayoutDirectory, Place
from dockyard.images.model import Layer
from dockyard.images.packages.model import Division
from dockyard.state.paths import Paths

_LEVEL = 3
"""Of zstd: its own default."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a step made, and on what; the caller holds the layers."""

    key: str
    description: str
    layers: tuple[Layer, ...]
    below: tuple[Layer, ...]
    origin: Origin | None
    division: Division


class Target(Protocol):
    """One cache that is written to; errors of all methods are those of :func:`export`."""

    def locked(self) -> AbstractContextManager[None]:
        """While inside, nobody else writes to it, where that can be had."""

    def manifest(self) -> bytes | None:
        """That of the cache which is there; ``None`` where there is none."""

    def read(self, place: Place) -> bytes | None:
        """A small blob; ``None`` where it isn't there, whole."""

    def has(self, place: Place) -> bool:
        """Whether a blob is there, whole."""

    def add(self, produce: Callable[[Write], object]) -> Place:
        """A new blob of what ``produce`` writes."""

    def publish(self, manifest: bytes) -> None:
        """Replaces the cache, once all blobs are there."""


class DirectoryTarget:
    """A cache under a tag of an OCI image layout."""

    def __init__(self, layout: LayoutDirectory, tag: str) -> None:
        self._layout = layout
        self._tag = tag
        self.locked = layout.locked
        self.read = layout.read
        self.has = layout.has
        self.add = layout.add

    def manifest(self) -> bytes | None:
        """That which the index names."""
        return self.read(documents.find(self._layout.index() or b"", self._tag))

    def publish(self, manifest: bytes) -> None:
        """Names the manifest in the index."""
        self.add(lambda write: write(manifest))
        index = documents.write_index(self._layout.index(), self._tag, manifest)
        self._layout.publish(index)


def export(paths: Paths, target: Target, results: Sequence[Result]) -> None:
    """Puts results in place of those that the target has.

    Whatever ends this early, what was there before stays valid.

    Raises:
        ContentMismatch: a layer on disk is not what it was.
        DiskFull, PermissionMissing, StateError: a directory can't be written.
        RegistryError, NotFound: a registry refuses it, or fails again and again.
    """
    layers = {layer.diff_id: layer for each in results for layer in each.layers}
    numbers = {diff_id: number for number, diff_id in enumerate(layers)}
    with target.locked():
        there = _blobs(target)
        places = [there.get(diff_id) or _add(paths, target, layers[diff_id]) for diff_id in layers]
        shared = [_shared(layer) for layer in layers.values()]
        records = tuple(
            SharedRecord(
                key=each.key, description=each.description, below=chain_of(each.below),
                layers=tuple(numbers[layer.diff_id] for layer in each.layers), origin=each.origin,
                division=each.division,
            )
            for each in results
        )  # fmt: skip
        contents = documents.write_contents(Contents(layers=tuple(shared), records=records))
        manifest = documents.write_manifest(contents, list(zip(shared, places, strict=True)))
        target.add(lambda write: write(contents))
        target.publish(manifest)


def _shared(layer: Layer) -> SharedLayer:
    return SharedLayer(diff_id=layer.diff_id, size=layer.size, epoch=layer.epoch, times=layer.times)


def _blobs(target: Target) -> dict[str, Place]:
    """The blobs that are there already, whole, by the layers' digests."""
    try:
        config, places = documents.read_manifest(target.manifest() or b"")
        contents = documents.read_contents(target.read(config) or b"", len(places))
    except ContentMismatch:
        return {}
    found = zip(contents.layers, places, strict=True)
    return {layer.diff_id: place for layer, place in found if target.has(place)}


def _add(paths: Paths, target: Target, layer: Layer) -> Place:
    import zstandard

    def produce(write: Write) -> None:
        compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        directory, blob = paths.layer(layer.id), paths.blob(layer.id)
        write_tar(layer, directory, blob, lambda part: write(compressor.compress(part)))
        write(compressor.flush())

    return target.add(produce)

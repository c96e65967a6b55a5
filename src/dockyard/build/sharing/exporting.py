"""``--cache-to``: writes results of steps into a directory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.build.cache import Origin
from dockyard.build.sharing import documents
from dockyard.build.sharing.documents import Contents, Place, SharedLayer, SharedRecord
from dockyard.build.sharing.layout import LayoutDirectory
from dockyard.errors import ContentMismatch
from dockyard.images.archive import Write, write_tar
from dockyard.images.intake import chain_of
from dockyard.images.model import Layer
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


def export(paths: Paths, target: LayoutDirectory, tag: str, results: Sequence[Result]) -> None:
    """Puts results in place of those that the directory has under the tag.

    Whatever ends this early, what was there before stays valid.

    Raises:
        ContentMismatch: a layer on disk is not what it was.
        DiskFull, PermissionMissing, StateError: the directory can't be written.
    """
    layers = {layer.diff_id: layer for each in results for layer in each.layers}
    numbers = {diff_id: number for number, diff_id in enumerate(layers)}
    with target.locked():
        index = target.index()
        there = _blobs(target, index, tag)
        places = [there.get(diff_id) or _add(paths, target, layers[diff_id]) for diff_id in layers]
        shared = [_shared(layer) for layer in layers.values()]
        records = tuple(
            SharedRecord(
                key=each.key, description=each.description, below=chain_of(each.below),
                layers=tuple(numbers[layer.diff_id] for layer in each.layers), origin=each.origin,
            )
            for each in results
        )  # fmt: skip
        contents = documents.write_contents(Contents(layers=tuple(shared), records=records))
        manifest = documents.write_manifest(contents, list(zip(shared, places, strict=True)))
        for document in (contents, manifest):
            _put(target, document)
        target.publish(documents.write_index(index, tag, manifest))


def _shared(layer: Layer) -> SharedLayer:
    return SharedLayer(diff_id=layer.diff_id, size=layer.size, epoch=layer.epoch, times=layer.times)


def _blobs(target: LayoutDirectory, index: bytes | None, tag: str) -> dict[str, Place]:
    """The blobs that are there already, whole, by the layers' digests."""
    try:
        manifest = target.read(documents.find(index or b"", tag))
        config, places = documents.read_manifest(manifest or b"")
        contents = documents.read_contents(target.read(config) or b"", len(places))
    except ContentMismatch:
        return {}
    found = zip(contents.layers, places, strict=True)
    return {layer.diff_id: place for layer, place in found if target.has(place)}


def _add(paths: Paths, target: LayoutDirectory, layer: Layer) -> Place:
    import zstandard

    def produce(write: Write) -> None:
        compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        directory, blob = paths.layer(layer.id), paths.blob(layer.id)
        write_tar(layer, directory, blob, lambda part: write(compressor.compress(part)))
        write(compressor.flush())

    return target.add(produce)


def _put(target: LayoutDirectory, document: bytes) -> None:
    target.add(lambda write: write(document))

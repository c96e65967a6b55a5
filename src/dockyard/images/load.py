"""``load``: images from an archive of ``save``, Docker's, Podman's or an OCI image layout.

All layers are taken in before the first image is recorded, so that an archive that turns out to be
wrong leaves nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from dockyard.errors import InvalidInput, PermissionMissing
from dockyard.images import load_documents as documents
from dockyard.images import platforms
from dockyard.images.growth import Growth
from dockyard.images.intake import Intake
from dockyard.images.layers import LayerStore
from dockyard.images.load_documents import Found
from dockyard.images.model import Image, Layer
from dockyard.images.parts import DirectoryParts, Parts, TarParts, document
from dockyard.images.store import ImageStore
from dockyard.images.workplace import workplace
from dockyard.observability.progress import Counter, Listener, size_of
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system import host


class Loaded(msgspec.Struct, frozen=True):
    """An image that an archive had, and the names that it got."""

    image: Image
    names: tuple[Reference, ...]


def load(
    source: str | BinaryIO,
    *,
    paths: Paths,
    database: Database,
    layers: LayerStore,
    images: ImageStore,
    platform: str | None = None,
    progress: Listener | None = None,
) -> tuple[Loaded, ...]:
    """Loads all images of an archive.

    Args:
        source: the path of a file or of a directory, or a stream that is read to its end.
        platform: which of the images of several platforms; this host's where ``None``.
        progress: hears how many bytes were read, and of the layers unpacked and compared.

    Raises:
        InvalidInput: it can't be read, or is no image archive.
        ContentMismatch: something in it is missing, damaged or not what its digest says.
        HostileInput: it tries to get out of its place, or to take too much.
        NotFound: it has an image for another platform than the one asked for.
        NotSupported: it has an image that can't be used here.
    """
    host.require_root("loading images")
    with workplace(paths, database, "load") as (holder, directory):
        growth = Growth(directory)
        parts = _open(source, f"{directory}/archive", growth, progress)
        try:
            found = documents.images_of(parts, platforms.wanted(platform).architecture)
            for each in found:
                platforms.require(each.config, " ".join(map(str, each.names)) or each.id, platform)
            intake = Intake(layers, holder, directory, growth, progress)
            counter = Counter(progress, "unpacking", _size(parts, found))
            taken = [_take(parts, intake, image, counter) for image in found]
            return tuple(_record(images, each, ids) for each, ids in zip(found, taken, strict=True))
        finally:
            parts.close()
            layers.release(holder)
            layers.collect(holder)


def _open(source: str | BinaryIO, spool: str, growth: Growth, progress: Listener | None) -> Parts:
    if not isinstance(source, str):
        return TarParts(source, spool, growth, Counter(progress, "reading", size_of(source)))
    if os.path.isdir(source):
        return DirectoryParts(source, growth)
    try:
        with open(source, "rb") as stream:
            counter = Counter(progress, "reading", size_of(stream))
            return TarParts(stream, spool, growth, counter)
    except PermissionError as error:
        raise PermissionMissing(
            f"cannot read {source}", hint="as root, or after chmod; - and a pipe work too"
        ) from error
    except FileNotFoundError as error:
        raise InvalidInput(
            f"open {source}: no such file or directory", hint="-i names the archive to load"
        ) from error


def _size(parts: Parts, found: Sequence[Found]) -> int:
    """Bytes of all layers as they are in the archive, each as often as an image has it."""
    return sum(_part_size(parts, path) for image in found for path, _ in image.layers)


def _part_size(parts: Parts, path: str) -> int:
    part = parts.open(path)
    if part is None:
        return 0
    part.close()
    return part.size


def _take(parts: Parts, intake: Intake, image: Found, counter: Counter) -> tuple[Layer, ...]:
    below: tuple[Layer, ...] = ()
    for path, blob in image.layers:
        layer = intake.known(blob.diff_id, below)
        if layer is None:
            part = parts.open(path)
            if part is None:
                document(parts, path)  # says what is missing
                raise AssertionError(path)
            try:
                layer = intake.take(part, blob, below, counter)
            finally:
                part.close()
        else:
            counter.add(_part_size(parts, path))
        below = (*below, layer)
    return below


def _record(images: ImageStore, found: Found, layers: Sequence[Layer]) -> Loaded:
    ids = [layer.id for layer in layers]
    image = images.add(
        found.config_bytes, ids, built=time.time_ns(), names=found.names, action="load"
    )
    return Loaded(image, found.names)

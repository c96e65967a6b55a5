"""``--cache-from``: results of steps from elsewhere, taken in when a build needs them.

Who may write such a cache decides what the steps of a build make that names it, as with a base
image. Nothing of it is recorded as a result of this root's own: it counts for that build alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from dockyard.build.cache import Hit
from dockyard.build.sharing import documents
from dockyard.build.sharing.documents import Contents, SharedRecord
from dockyard.build.sharing.places import CacheFrom
from dockyard.errors import (
    ContentMismatch,
    DockyardError,
    HostileInput,
    NotFound,
    NotSupported,
    RegistryError,
)
from dockyard.images.growth import Growth
from dockyard.images.intake import Blob, Intake, chain_of
from dockyard.images.layout import Place
from dockyard.images.load_documents import MAX_LAYERS
from dockyard.images.model import Layer
from dockyard.images.packages.model import Division
from dockyard.images.parts import DirectoryParts, Parts, Slice, document
from dockyard.oci import digest as digests
from dockyard.oci.image import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:  # registries are not on the path of most builds
    from dockyard.build.sharing.registry import RegistryParts

Fetch = Callable[[str], "RegistryParts"]
"""Opens the cache under a tag of a registry."""

Stack = Callable[[], Sequence[Layer]]
"""The layers below, asked for only where something depends on them."""

Fits = Callable[[Division], bool]
"""Whether a result was divided as it would be now."""


class Source(msgspec.Struct, frozen=True):
    """A cache whose documents were read; its layers weren't yet."""

    place: CacheFrom
    parts: Parts
    contents: Contents
    places: tuple[Place, ...]
    records: dict[str, SharedRecord]


def read(parts: Parts, place: CacheFrom) -> Source:
    """The cache of a layout.

    Raises:
        ContentMismatch, HostileInput: it has none, or it is damaged.
    """
    if (index := parts.open("index.json")) is None:
        raise ContentMismatch("it has no index.json")
    index.close()
    found = documents.find(document(parts, "index.json"), place.tag)
    return described(parts, place, _document(parts, found))


def described(parts: Parts, place: CacheFrom, manifest: bytes) -> Source:
    """The cache of a manifest; raises as :func:`read`."""
    config, places = documents.read_manifest(manifest)
    contents = documents.read_contents(_document(parts, config), len(places))
    records = {record.key: record for record in contents.records}
    return Source(place, parts, contents, places, records)


def _document(parts: Parts, place: Place) -> bytes:
    if place.size > MAX_DOCUMENT_BYTES:
        raise HostileInput(f"{place.path} is said to have {place.size} bytes")
    data = document(parts, place.path)
    if len(data) != place.size or digests.of(data) != place.digest:
        raise ContentMismatch(f"{place.path} is damaged")
    return data


class Imports:
    """What all caches have. What is wrong with one is told, and the build goes on without.

    Args:
        intake: takes layers in for the build.
        growth: counts what is read of the caches.
        fetch: opens one that is in a registry.
        warn: gets a sentence on each cache that can't be used.
    """

    def __init__(
        self, places: Sequence[CacheFrom], intake: Intake, growth: Growth, fetch: Fetch,
        warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._intake = intake
        self._growth = growth
        self._fetch = fetch
        self._warn = warn
        self._guard = threading.Lock()
        self._open: list[Parts] = []
        self._sources = [source for place in places if (source := self._read(place)) is not None]

    def close(self) -> None:
        """Closes the caches."""
        for parts in self._open:
            parts.close()

    def find(self, key: str, stack: Stack, *, anywhere: bool, fits: Fits) -> Hit | None:
        """The result of a step, its layers taken in; see :meth:`Results.find`."""
        for source in self._sources:
            record = source.records.get(key)
            if record is None or not fits(record.division):
                continue
            below = tuple(stack())
            if not anywhere and record.below != chain_of(below):
                continue
            with self._guard:
                layers = self._take(source, record, below)
            if layers is not None:
                ids = tuple(layer.id for layer in below)
                return Hit(layers, ids, record.origin, record.division)
        return None

    def _read(self, place: CacheFrom) -> Source | None:
        try:
            if place.kind == "registry":
                fetched = self._fetch(place.src)
                self._open.append(fetched)
                return described(fetched, place, fetched.manifest())
            if not os.path.isdir(place.src):
                raise ContentMismatch("there is no such directory")
            parts = DirectoryParts(place.src, self._growth)
            self._open.append(parts)
            return read(parts, place)
        except (DockyardError, OSError) as error:
            self._refuse(place, error)
            return None

    def _take(
        self, source: Source, record: SharedRecord, below: tuple[Layer, ...]
    ) -> tuple[Layer, ...] | None:
        taken: list[Layer] = []
        try:
            if len(below) + len(record.layers) > MAX_LAYERS:
                raise HostileInput(f"a step with {len(record.layers)} layers")
            for number in record.layers:
                taken.append(self._layer(source, number, (*below, *taken)))
        except (ContentMismatch, HostileInput, NotFound, NotSupported, RegistryError) as error:
            self._refuse(source.place, error)
            source.records.pop(record.key, None)
            return None
        return tuple(taken)

    def _layer(self, source: Source, number: int, below: Sequence[Layer]) -> Layer:
        layer, place = source.contents.layers[number], source.places[number]
        known = self._intake.known(layer.diff_id, below)
        if known is not None:
            return known
        try:
            part = source.parts.open(place.path)
        except OSError as error:
            raise ContentMismatch(f"{place.path}: {os.strerror(error.errno or 0)}") from error
        if part is None:
            raise ContentMismatch(f"{place.path} is missing")
        try:
            blob = Blob(
                diff_id=layer.diff_id, digest=place.digest, size=place.size, epoch=layer.epoch,
                times=layer.times,
            )  # fmt: skip
            return self._intake.take(_Tolerant(part), blob, below)
        finally:
            part.close()

    def _refuse(self, place: CacheFrom, error: DockyardError | OSError) -> None:
        if isinstance(error, OSError):
            why = os.strerror(error.errno or 0)
        else:
            why = f"{error.context}: {error.message}" if error.context else error.message
        self._warn(
            f"the cache in {place.src} can't be used: {why}; its steps are done again, and"
            f" --cache-to {place.target} writes it anew"
        )


class _Tolerant:
    """A blob on a disk that may fail: it is the blob that is no good then, not our own disk."""

    def __init__(self, part: Slice) -> None:
        self._part = part
        self.size = part.size

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        try:
            return self._part.read(size)
        except OSError as error:
            raise ContentMismatch(f"cannot read it: {os.strerror(error.errno or 0)}") from error

    def peek(self, size: int) -> bytes:
        """The first bytes, which stay to be read."""
        try:
            return self._part.peek(size)
        except OSError as error:
            raise ContentMismatch(f"cannot read it: {os.strerror(error.errno or 0)}") from error

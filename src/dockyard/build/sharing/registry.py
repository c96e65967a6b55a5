"""Shared caches in registries: under a tag what a directory has under one, blob for blob."""

from __future__ import annotations

import os
from collections.abc import Callable

from dockyard.build.sharing import documents
from dockyard.errors import NotFound
from dockyard.images.archive import Write
from dockyard.images.growth import Growth
from dockyard.images.layout import LayoutDirectory, Place
from dockyard.images.parts import Slice
from dockyard.observability.transfers import UNHEARD
from dockyard.oci import digest as digests
from dockyard.oci.image import MANIFEST, MAX_DOCUMENT_BYTES, Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.download import fetch_blob
from dockyard.registry.spool import opener
from dockyard.registry.upload import present, transmit
from dockyard.state.room import Room


class RegistryTarget:
    """A cache that is written to a tag; see :class:`dockyard.build.sharing.exporting.Target`.

    Args:
        layout: a directory of the caller's own, where a blob is until it is sent.

    Raises:
        RegistryError: the registry can't be reached, or this user may not write there.
    """

    def __init__(self, client: Client, name: str, layout: LayoutDirectory) -> None:
        self._remote = client.remote(Reference.parse(name), push=True)
        self._layout = layout
        self._before = self._manifest()
        self.locked = layout.locked

    def manifest(self) -> bytes | None:
        return self._before

    def read(self, place: Place) -> bytes | None:
        """A small blob; ``None`` where the repository lacks it, or has something else."""
        if place.size > MAX_DOCUMENT_BYTES:
            return None
        try:
            with self._remote.read_blob(place.digest) as stream:
                data = b"".join(iter(lambda: stream.read(place.size + 1), b""))
        except NotFound:
            return None
        return data if digests.of(data) == place.digest else None

    def has(self, place: Place) -> bool:
        return self._remote.has_blob(place.digest)

    def add(self, produce: Callable[[Write], object]) -> Place:
        """Sends what ``produce`` writes, where the repository lacks it."""
        place = self._layout.add(produce)
        path = f"{self._layout.path}/{place.path}"
        blob = Descriptor(digest=place.digest, size=place.size)
        try:
            if present(self._remote, blob, ()) is None:
                transmit(self._remote, blob, opener(path), counter=UNHEARD)
        finally:
            os.unlink(path)
        return place

    def publish(self, manifest: bytes) -> None:
        self._remote.put_manifest(self._remote.reference.tag or "", MANIFEST, manifest)

    def _manifest(self) -> bytes | None:
        try:
            return self._remote.manifest().data
        except NotFound:
            return None


class RegistryParts:
    """The blobs of a cache that is read, each fetched when it is opened, verified, to a file
    without a name.

    Args:
        client: closed with it.
        directory: for the files.
        growth: counts what is fetched.
    """

    def __init__(self, client: Client, name: str, directory: str, growth: Growth) -> None:
        self._remote = client.remote(Reference.parse(name))
        self._places: dict[str, Place] = {}
        self._client = client
        self._directory = directory
        self._growth = growth

    def manifest(self) -> bytes:
        """What says which blobs there are; to be asked for first.

        Raises:
            NotFound: there is no such tag.
            ContentMismatch: it is no cache.
            RegistryError: the registry can't be reached, or refuses.
        """
        manifest = self._remote.manifest().data
        config, layers = documents.read_manifest(manifest)
        self._places = {place.path: place for place in (config, *layers)}
        return manifest

    def open(self, name: str) -> Slice | None:
        """A blob, ``None`` where the cache has none of that name; the caller closes it."""
        place = self._places.get(name)
        if place is None:
            return None
        Room(self._directory).require(place.size, "the cache")
        path = f"{self._directory}/{digests.hex_of(place.digest)}"
        fetch_blob(self._remote, Descriptor(digest=place.digest, size=place.size), path)
        self._growth.came(place.size)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.unlink(path)
        return Slice(descriptor, 0, place.size, owned=True)

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

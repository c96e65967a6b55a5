"""``pull``: an image from a registry, with all that is known of it there.

Nothing is recorded before everything is here, unpacked and verified; then all of it is, in one
transaction. A pull that fails or is killed leaves parts of blobs, with which the next one goes on.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from dockyard.images import distribution, platforms
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Form, Kept, Provenance
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image
from dockyard.images.store import ImageStore
from dockyard.images.workplace import workplace
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.observability.transfers import Listener, Transfers
from dockyard.oci import times
from dockyard.oci.image import ImageConfig
from dockyard.oci.reference import Reference
from dockyard.registry import manifests, partial
from dockyard.registry.client import Client
from dockyard.registry.manifests import Found
from dockyard.registry.taking import Taking
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system import host

_NANOSECONDS: Final = 10**9


class Pulled(msgspec.Struct, frozen=True):
    """An image that was pulled.

    ``digest`` is that of what the reference means in the registry, be it an index. ``is_new`` is
    false where the name meant this image already.
    """

    image: Image
    reference: Reference
    digest: str
    is_new: bool


class Puller:
    """Pulls images into one root.

    Args:
        client: is closed where a pull fails, so that all its connections end.
        listener: hears how far each blob has come.
    """

    def __init__(
        self, client: Client, paths: Paths, database: Database, layers: LayerStore,
        images: ImageStore, listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._paths = paths
        self._database = database
        self._layers = layers
        self._images = images
        self._content = ContentStore(paths, database)
        self._transfers = Transfers(listener)

    def pull(self, reference: Reference, platform: str | None = None) -> Pulled:
        """Pulls an image.

        Args:
            platform: of an image for several, which; this host's where ``None``.

        Raises:
            NotFound: there is no such image, or none for that platform.
            NotSupported: it is no image, or one that can't be used here.
            ContentMismatch, HostileInput: something of it is not what it should be.
            DiskFull: there is no room.
            RegistryError: the registry can't be reached, or refuses.
        """
        host.require_root("pulling images")
        remote = self._client.remote(reference)
        found = manifests.find(remote, platforms.wanted(platform))
        platforms.require(found.config, reference.familiar, platform)
        before = self._meaning(reference)
        with workplace(self._paths, self._database, "pull") as (holder, directory):
            taking = Taking(
                self._paths, self._layers, self._content, self._transfers, holder, directory,
                self._client.close,
            )  # fmt: skip
            try:
                layers, forms = taking.take(remote, found)
                image = self._record(reference, found, layers, forms)
            finally:
                taking.close()
                self._layers.release(holder)
                self._layers.collect(holder)
                self._content.release(holder)
        self._content.collect()
        partial.sweep(self._paths.downloads)
        return Pulled(image, reference, found.digest, image.id != before)

    def _record(
        self, reference: Reference, found: Found, layer_ids: list[str],
        forms: list[tuple[str, Form]],
    ) -> Image:  # fmt: skip
        """The image, its name, and all that the registry says of it; or nothing."""
        provenance = Provenance(
            repository=reference.repository,
            documents=tuple(Kept(d.digest, d.media_type, d.data) for d in found.documents),
            digests=(found.digest,),
            forms=tuple(forms),
            blobs=(found.id, *(layer.digest for layer in found.manifest.layers)),
        )
        event = Event(
            type="image", action="pull", actor=reference.familiar,
            attributes={"name": reference.familiar_repository},
        )  # fmt: skip

        def write(connection: sqlite3.Connection) -> None:
            distribution.record(connection, found.id, provenance)
            events.write(connection, event)

        return self._images.add(
            found.config_bytes, layer_ids, built=_created(found.config), action=None, also=write,
            names=() if reference.digest else (reference,),
        )  # fmt: skip

    def _meaning(self, reference: Reference) -> str | None:
        """The image that a name means before."""
        if reference.digest is None:
            query = "SELECT image_id FROM names WHERE name=?"
            values: tuple[str, ...] = (str(reference),)
        else:
            query = "SELECT image_id FROM repository_digests WHERE digest=? AND repository=?"
            values = (reference.digest, reference.repository)
        row = self._database.query_one(query, values)
        return None if row is None else str(row[0])


def _created(config: ImageConfig) -> int:
    """When an image says it was made, in nanoseconds since 1970; 0 where it doesn't say.

    That is what Docker lists, not when it was pulled.
    """
    seconds = times.parse_rfc3339(config.created) if config.created else 0
    return max(seconds, 0) * _NANOSECONDS

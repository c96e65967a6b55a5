"""``model push``: a model to a registry, its blobs at once, the manifest last."""

from __future__ import annotations

import io
from typing import Final

import msgspec

from dockyard.errors import NotFound
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Distribution
from dockyard.images.workplace import workplace
from dockyard.models import readers
from dockyard.models.model import Model
from dockyard.observability import events
from dockyard.observability.transfers import UNHEARD, Listener, Track, Transfers
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.crew import Crew
from dockyard.registry.ledger import Ledger
from dockyard.registry.remote import Remote
from dockyard.registry.spool import opener
from dockyard.registry.upload import present, sources, transmit
from dockyard.state.database import Database
from dockyard.state.paths import Paths

_COURIERS: Final = 6
"""Blobs that are asked for or sent at once."""


class Pushed(msgspec.Struct, frozen=True):
    """What a registry has now: a model's name there, its manifest's digest and size in bytes."""

    name: Reference
    digest: str
    size: int


class Sender:
    """Sends models of one root.

    Args:
        client: is closed where it fails, so that all its connections end.
        listener: hears how far each blob has come, from several threads.
    """

    def __init__(
        self, client: Client, paths: Paths, database: Database, content: ContentStore,
        listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._paths = paths
        self._database = database
        self._content = content
        self._known = Distribution(database, content)
        self._ledger = Ledger(paths, database)
        self._transfers = Transfers(listener)

    def send(self, model: Model, name: Reference) -> Pushed:
        """Sends what the registry lacks of a model: as it is, byte for byte.

        Raises:
            NotFound: a blob was taken away.
            RegistryError: the registry refuses it, or fails again and again.
        """
        self._ledger.tidy()
        remote = self._client.remote(name, push=True)
        with workplace(self._paths, self._database, "model") as (holder, _):
            self._content.need([blob.digest for blob in model.blobs], holder)
            try:
                self._send_blobs(remote, model)
            finally:
                self._content.release(holder)
        reference = name.tag if name.digest is None else name.digest
        digest = remote.put_manifest(reference or "", model.media_type, model.manifest)
        self._record(model, name)
        return Pushed(name, digest, len(model.manifest))

    def _send_blobs(self, remote: Remote, model: Model) -> None:
        for blob in model.blobs:
            if not self._content.has(blob.digest):
                raise NotFound(f"the blob {blob.digest} of model {model.short_id} was taken away",
                               hint="dockyard model rm, then pack or pull it again")  # fmt: skip
        tracks = [self._transfers.track(blob.digest, phase="preparing") for blob in model.blobs]
        with Crew(self._client.close, couriers=_COURIERS) as crew:
            for blob, track in zip(model.blobs, tracks, strict=True):
                crew.start("couriers", self._send_blob, remote, blob, track)
            crew.start("couriers", self._send_config, remote, model)
            crew.join()

    def _send_blob(self, remote: Remote, blob: Descriptor, track: Track) -> None:
        places = self._known.places(blob.digest)
        found = present(remote, blob, sources(places, remote.reference), self._ledger)
        if found is None:
            track.phase("uploading", blob.size)
            path = self._content.path(blob.digest)
            transmit(remote, blob, opener(path), counter=track, ledger=self._ledger)
            track.phase("pushed")
            return
        note = "" if found.source is None else f"from {found.source.path}"
        track.phase(found.how, note=note)

    def _send_config(self, remote: Remote, model: Model) -> None:
        blob, data = readers.parse_manifest(model.manifest).config, model.config_bytes
        if present(remote, blob, ()) is None:
            transmit(remote, blob, lambda offset: io.BytesIO(data[offset:]), counter=UNHEARD)

    def _record(self, model: Model, name: Reference) -> None:
        self._known.add_places([blob.digest for blob in model.blobs], name.repository)
        events.record(self._database, "model", "push", model.id, {"name": name.familiar})

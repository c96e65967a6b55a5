"""The part of a root's models that talks to registries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from dockyard.images.content import ContentStore
from dockyard.images.workplace import workplace
from dockyard.models.model import Model
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.paths import Paths

if TYPE_CHECKING:  # only some commands talk to registries
    from dockyard.models.published import Found
    from dockyard.models.send import Pushed
    from dockyard.observability.transfers import Listener as Transferred
    from dockyard.registry.client import Client


class Exchange(ABC):
    """What models are sent and fetched with; see :class:`dockyard.models.apply.Models`."""

    _paths: Paths
    _database: Database
    _content: ContentStore
    _connect: Callable[[], Client]

    @abstractmethod
    def find(self, text: str) -> Model:
        """The model that a name or an id means."""

    @abstractmethod
    def put(
        self, manifest: bytes, config: bytes, media_type: str, names: Collection[Reference], *,
        action: str,
    ) -> Model:  # fmt: skip
        """Records a model whose blobs are there."""

    def push(self, name: str, *, listener: Transferred | None = None) -> Pushed:
        """Sends a model to the registry that its name begins with, byte for byte.

        Args:
            name: a tag that a model here has, or a repository and a digest.
            listener: hears how far each blob has come, from several threads.

        Raises:
            NotFound: no model has that name.
            RegistryError: the registry refuses it, or fails again and again.
        """
        from dockyard.models.send import Sender
        from dockyard.registry import hub

        model, reference = self.find(name), Reference.parse(name)
        with self._connect() as client, hub.explained(client, reference, "dockyard model tag"):
            sender = Sender(client, self._paths, self._database, self._content, listener)
            return sender.send(model, reference)

    def pull(self, name: str, *, listener: Transferred | None = None) -> Model:
        """Brings a model from the registry that its name begins with.

        Formats are ModelPack's, Docker's, Ollama's and KitOps'.

        Args:
            name: by tag or by digest.
            listener: hears how far each blob has come, from several threads.

        Raises:
            NotFound: there is nothing of that name.
            NotSupported: it is no model.
            ContentMismatch, HostileInput: something of it is not what it should be.
            DiskFull: there is no room.
            RegistryError: the registry can't be reached, or refuses.
        """
        from dockyard.models import published
        from dockyard.models.fetch import Fetcher
        from dockyard.registry.partial import sweep

        reference = Reference.parse(name)
        with self._connect() as client:
            remote = client.remote(reference)
            found = published.look(remote)
            with workplace(self._paths, self._database, "model") as (holder, directory):
                try:
                    fetcher = Fetcher(
                        client, self._paths, self._content, holder, directory, listener
                    )
                    fetcher.fetch(remote, found.contents)
                    model = self.put(
                        found.document.data, found.config, found.document.media_type,
                        (_stored_name(reference),), action="pull",
                    )  # fmt: skip
                    self._note_places(model, reference)
                    return model
                finally:
                    self._content.release(holder)
                    sweep(self._paths.downloads)

    def _note_places(self, model: Model, reference: Reference) -> None:
        """What a registry has, its other repositories needn't be sent."""
        from dockyard.images.distribution import Distribution

        known = Distribution(self._database, self._content)
        known.add_places([blob.digest for blob in model.blobs], reference.repository)

    def look(self, name: str) -> Found:
        """The documents of a model in a registry; nothing of it is fetched.

        Raises:
            NotFound, NotSupported, ContentMismatch, HostileInput, RegistryError: as by
                :meth:`pull`.
        """
        from dockyard.models import published

        with self._connect() as client:
            return published.look(client.remote(Reference.parse(name)))


def _stored_name(reference: Reference) -> Reference:
    """By digest it is no tag's."""
    return reference if reference.digest is None else Reference(
        reference.registry, reference.path, None, reference.digest
    )  # fmt: skip

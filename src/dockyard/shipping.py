"""What an engine ships: images to registries and from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dockyard.config import Config
from dockyard.containers.parts import Parts

if TYPE_CHECKING:  # registries are not on the path of run
    from dockyard.observability.transfers import Listener
    from dockyard.registry.compress import Compression
    from dockyard.registry.copying.apply import Copied
    from dockyard.registry.manifests import Found
    from dockyard.registry.pull import Pulled, Puller
    from dockyard.registry.pushing import Pushed


class Shipper:
    """The part of :class:`dockyard.Engine` that talks to registries."""

    config: Config
    parts: Parts

    def pull(
        self, name: str, *, platform: str | None = None, listener: Listener | None = None
    ) -> Pulled:  # fmt: skip
        """Pulls an image from its registry.

        Args:
            name: such as ``python:3.11`` or ``example.com/app@sha256:...``.
            platform: which one of an image for several, such as ``linux/arm64``; this host's where
                ``None``.
            listener: hears how far each layer has come, from several threads.

        Raises:
            NotFound: there is no such image, or none for that platform.
            ContentMismatch, HostileInput, NotSupported: it is damaged, hostile, or can't be used
                here. Nothing of it is recorded.
            DiskFull: there is no room.
            RegistryError: the registry can't be reached, or refuses.
        """
        from dockyard.oci.reference import Reference

        with self._puller(listener) as puller:
            return puller.pull(Reference.parse(name), platform)

    def login(self, registry: str, username: str, password: str) -> None:
        """Shows a registry who one is, and keeps it where ``dockyard login`` does.

        Args:
            registry: its host, with a port; ``docker.io`` is Docker Hub.
            password: or a token that the registry takes in its place.

        Raises:
            Unauthorized: the registry doesn't believe it, and nothing is kept.
            InvalidInput: it is no registry, or nobody's name.
            RegistryError: it can't be asked.
        """
        from dockyard.oci.reference import require_text
        from dockyard.registry import login
        from dockyard.registry.model import Credential
        from dockyard.registry.transport import environment

        host = login.registry_of(registry)
        login.check(require_text(username, "a username"), require_text(password, "a password"))
        with self.parts.client() as client:
            login.sign_in(client, host, Credential(username, password), environment())

    def logout(self, registry: str) -> None:
        """Forgets who one is at a registry; it is no error if nobody knew.

        Raises:
            InvalidInput: it is no registry.
        """
        from dockyard.registry import login
        from dockyard.registry.transport import environment

        login.sign_out(login.registry_of(registry), environment())

    def tags_in_registry(self, name: str) -> tuple[str, ...]:
        """The names of all tags that a repository has in its registry.

        Raises:
            NotFound: there is no such repository.
        """
        from dockyard.oci.reference import Reference

        with self.parts.client() as client:
            reference = Reference.parse(name)
            tags = client.remote(reference).tags()
        return tuple(f"{reference.familiar_repository}:{tag}" for tag in tags)

    def look(self, name: str, *, platform: str | None = None) -> Found:
        """What a registry says of an image, which is not pulled. Raises as :meth:`pull`."""
        from dockyard.images import platforms
        from dockyard.oci.reference import Reference
        from dockyard.registry import manifests

        with self.parts.client() as client:
            remote = client.remote(Reference.parse(name))
            return manifests.find(remote, platforms.wanted(platform))

    def prune_downloads(self) -> int:
        """Removes what pulls that broke off have left, and blobs that nobody needs; bytes freed.

        A pull that is running keeps its own.
        """
        from dockyard.images.content import ContentStore
        from dockyard.registry import partial

        freed = ContentStore(self.parts.paths, self.parts.database).collect()
        return freed + partial.sweep(self.parts.paths.downloads, age=0)

    def push(
        self,
        name: str,
        *,
        compression: Compression | str | None = None,
        level: int | None = None,
        platform: str | None = None,
        listener: Listener | None = None,
    ) -> Pushed:
        """Sends an image to the registry that its name begins with.

        Args:
            name: a tag that an image here has.
            compression: ``zstd``, ``gzip`` or ``none``, for layers that were not pulled.
            level: of the compression.
            platform: what the image has to be for.
            listener: hears how far the layers have come, from several threads.

        Raises:
            NotFound: no image has that name, or it is for another platform.
            InvalidInput: there is no such compression.
            RegistryError: the registry refuses it, or fails again and again.
            ContentMismatch: a layer on disk is not what it was.
            DiskFull: there is no room for compressed layers.
        """
        from dockyard.registry import pushing

        with self.parts.client() as client:
            return pushing.push(
                self.parts.paths, self.parts.database, self.parts.images, client, name,
                compression=pushing.chosen(compression or self.config.compression, level),
                platform=platform,
                listener=listener,
            )  # fmt: skip

    def copy(
        self,
        source: str,
        target: str,
        *,
        platform: str | None = None,
        everything: bool = False,
        referrers: bool = False,
        listener: Listener | None = None,
    ) -> Copied:
        """Copies an image from one place to another, byte for byte; none of it stays here.

        Args:
            source: ``HOST/REPOSITORY[:TAG]`` or by digest, ``oci:DIR[:TAG]``,
                ``oci-archive:FILE[:TAG]`` or ``docker-archive:FILE[:NAME]``.
            target: likewise.
            platform: which image of an index; that for this host where ``None``.
            everything: the index with all its images.
            referrers: what refers to them, too: signatures, inventories.
            listener: hears how far the blobs have come, from several threads.

        Raises:
            NotFound: there is no such image, or none for the platform.
            InvalidInput, NotSupported: a place makes no sense, or can't take what is copied.
            ContentMismatch, HostileInput: the source is damaged, lies, or wants too much.
            RegistryError: a registry refuses it, or fails again and again.
            DiskFull, PermissionMissing, StateError: files of the target can't be written.
        """
        from dockyard.registry.copying.apply import Copying, Options
        from dockyard.registry.copying.places import Place

        places = Place.parse(source), Place.parse(target)
        options = Options(platform=platform, everything=everything, referrers=referrers)
        with self.parts.client() as client:
            copying = Copying(self.parts.paths, self.parts.database, client, listener)
            return copying.copy(*places, options)

    def tags_of(self, repository: str) -> tuple[str, ...]:
        """The names of all tags that a repository has here.

        Raises:
            NotFound: there is none.
        """
        from dockyard.registry import pushing

        return pushing.tags_of(self.parts.images, repository)

    @contextlib.contextmanager
    def _puller(self, listener: Listener | None) -> Iterator[Puller]:
        from dockyard.registry.pull import Puller

        parts = self.parts
        with self.parts.client() as client:
            yield Puller(client, parts.paths, parts.database, parts.layers, parts.images, listener)

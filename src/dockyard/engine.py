"""The engine: what every door calls, and where the object graph is put together."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Literal

from dockyard.building import Builder
from dockyard.config import Config
from dockyard.containers.apply import Containers
from dockyard.containers.model import NetworkMode, Options
from dockyard.containers.parts import Parts
from dockyard.shipping import Shipper
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system.closing import Closing

if TYPE_CHECKING:  # building is not on the path of run, nor are programs that use the library
    from dockyard.batch.batches import Batches
    from dockyard.containers.networks import NetworkManager
    from dockyard.handle import RunningContainer
    from dockyard.images.load import Loaded
    from dockyard.images.model import Image
    from dockyard.models.apply import Models
    from dockyard.observability.events import Event
    from dockyard.observability.progress import Listener as Progressed
    from dockyard.serving.stacks import ServedStacks
    from dockyard.serving.verbs import Services
    from dockyard.usage import Usage


def _ignore(_sentence: str) -> None:
    """A library says nothing unless asked to."""


class Engine(Builder, Shipper, Closing):
    """One root of Dockyard. Any number may be open at once, in one process or in many.

    Opening it makes the directories and finishes what a killed command left half-done.

    Args:
        config: settings; ``None`` reads them from the environment.
        warn: gets sentences that a user should see though nothing failed.

    Raises:
        PermissionMissing: the directories can't be used by this user.
        StateError: the state is damaged; nothing was changed.
    """

    def __init__(
        self, config: Config | None = None, *, warn: Callable[[str], None] = _ignore
    ) -> None:
        self.config = config or Config.from_environment()
        self.paths = Paths(*map(os.path.realpath, (self.config.root, self.config.run)))
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.parts = Parts(self.config, self.paths, self.database, warn)
        self.images = self.parts.images
        self.volumes = self.parts.volumes
        self.containers = Containers(self.parts)
        self._recover()

    def __repr__(self) -> str:
        return f"<Engine {self.paths.root}>"

    @functools.cached_property
    def networks(self) -> NetworkManager:
        """The networks of this root, beside those that each root has."""
        from dockyard.containers.networks import NetworkManager

        return NetworkManager(self.parts)

    @functools.cached_property
    def stacks(self) -> ServedStacks:
        """The Compose projects of this root, with what is served of them."""
        from dockyard.serving.stacks import ServedStacks

        return ServedStacks(self)

    @functools.cached_property
    def services(self) -> Services:
        """The services of this root that are served."""
        from dockyard.serving.verbs import Services

        return Services(self)

    @functools.cached_property
    def batches(self) -> Batches:
        """The batches of this root."""
        from dockyard.batch.batches import Batches

        return Batches(self)

    @functools.cached_property
    def models(self) -> Models:
        """The models of this root."""
        return self.parts.models

    def close(self) -> None:
        """Closes the database. Containers go on running."""
        self.database.close()

    def bootstrap(
        self,
        base: str,
        *,
        mirror: str | None = None,
        force: bool = False,
        progress: Callable[[str], None] = _ignore,
    ) -> Image:
        """Makes a base image, or a service's, from the distribution's packages.

        Args:
            base: such as ``python:3.11`` or ``redis:7``; it becomes ``localhost/python:3.11``.
            mirror: the Debian mirror to use and to leave in the image.
            force: make it anew though it is there.
            progress: gets a sentence before each step.

        Raises:
            InvalidInput: no such base can be made; the hint names those that can.
            NotFound: the packages have another version than the one asked for.
            ComponentMissing, ComponentFailed: mmdebstrap is missing, or failed.
        """
        from dockyard.images.bootstrap import bootstrap

        return bootstrap(
            base,
            config=self.config,
            paths=self.paths,
            database=self.database,
            layers=self.parts.layers,
            images=self.images,
            mirror=mirror,
            force=force,
            progress=progress,
        )

    def run(
        self,
        image: Image | str,
        command: Sequence[str] | None = None,
        *,
        name: str | None = None,
        ports: Mapping[int | str, int | str | None] | None = None,
        env: Mapping[str, str] | None = None,
        volumes: Mapping[str, str] | None = None,
        models: Mapping[str, str] | None = None,
        memory: int | str | None = None,
        cpus: float | str | None = None,
        gpus: int | str | None = None,
        network: NetworkMode = "bridge",
        remove: bool = True,
        options: Options | None = None,
    ) -> RunningContainer:
        """Starts a container in the background.

        As a context manager the result stops the container at the end of the block (and removes
        it, unless ``remove`` is false).

        Args:
            image: an image, its name or its id.
            command: instead of the image's CMD.
            ports: container port (``8000`` or ``"53/udp"``) to host port; 0 or ``None`` takes any
                free one, ``"127.0.0.1:8000"`` names an address too.
            env: variables added to the image's.
            volumes: host directory or volume name to ``/path`` or ``/path:ro``.
            models: name of a model to the path at which its files are.
            memory: bytes, or text such as ``"1g"``.
            cpus: number of processors, such as 0.5 or ``"0.5"``.
            gpus: ``"all"``, a number, or as for ``--gpus``.
            options: everything else that ``run`` has; the arguments above come on top.

        Raises:
            NotFound, Conflict, RunError, InvalidInput: as ``dockyard run`` would fail. With
                ``remove`` nothing stays then; else what can't be started stays as created.
        """
        from dockyard import arguments, handle
        from dockyard.arguments import api

        found, image_name = self._image(api.image(image))
        asked = arguments.merge(
            options or Options(), name=name, command=command, ports=ports, env=env,
            volumes=volumes, models=models, memory=memory, cpus=cpus, gpus=gpus, network=network,
            remove=remove, publish_address=self.config.publish_address,
        )  # fmt: skip
        return handle.start(self.containers, found, image_name, asked)

    def resolve(self, text: str) -> Image:
        """The image that a name or id means (a bootstrapped base counts for its short name)."""
        return self.images.find(text)

    def save(
        self,
        names: Iterable[str],
        write: Callable[[bytes | memoryview], object],
        *,
        layout: Literal["docker", "oci"] = "docker",
        progress: Progressed | None = None,
    ) -> None:
        """Writes images as one tar stream.

        Args:
            layout: ``docker`` (an OCI layout that ``docker load`` reads too) or ``oci``.
            progress: hears how many bytes are written.
        """
        from dockyard.images.archive import save

        save(self.images, list(names), write, layout=layout, progress=progress)

    def load(
        self, source: str | BinaryIO, *, platform: str | None = None,
        progress: Progressed | None = None,
    ) -> tuple[Loaded, ...]:  # fmt: skip
        """Loads the images of an archive that ``save`` made, here or in Docker or Podman.

        Args:
            source: the path of an archive or of an OCI image layout, or a stream.
            platform: which of the images of several platforms; this host's where ``None``.
            progress: hears how many bytes are read and unpacked.

        Raises:
            InvalidInput, ContentMismatch, HostileInput, NotSupported: the archive is no such, is
                damaged, hostile, or has what can't be used here. No image of it is there then.
        """
        from dockyard.images.load import load

        return load(
            source, paths=self.paths, database=self.database, layers=self.parts.layers,
            images=self.images, platform=platform, progress=progress,
        )  # fmt: skip

    def import_tree(
        self, stream: BinaryIO, *, tag: str | None = None, changes: Sequence[str] = (),
        message: str = "", platform: str | None = None, progress: Progressed | None = None,
    ) -> Image:  # fmt: skip
        """Makes an image of one layer from the tar of a root filesystem.

        Args:
            stream: the tar, plain or compressed.
            changes: lines of a Dockerfile such as ``CMD ["sh"]`` that only say how to run it.
            message: the comment in its history.
            platform: what its programs run on; this host's where ``None``.
            progress: hears how many bytes are read and hashed.

        Raises:
            InvalidInput, BuildError: a change can't be made so.
            ContentMismatch, HostileInput: the tar is damaged or hostile. Nothing stays.
        """
        from dockyard.build.importing import import_tree

        return import_tree(
            self.parts, stream, tag=tag, changes=changes, message=message, platform=platform,
            progress=progress,
        )  # fmt: skip

    def events(self, *, since: int | None = None, until: int | None = None) -> Iterator[Event]:
        """What happens to containers, images, volumes and networks, as it happens.

        Args:
            since: begin with what happened from this moment on (nanoseconds since 1970); ``None``
                begins now.
            until: end at this moment; ``None`` goes on for ever. One in the past ends at once.
        """
        from dockyard.observability import events, follow

        last = 0 if since is not None else events.newest(self.database)
        for event in follow.follow(self.database, self.paths.root, after=last, until=until):
            if since is None or event.time >= since:
                yield event

    def disk_usage(self) -> Usage:
        """What this root keeps on disk, object by object; see :meth:`Usage.summary`."""
        from dockyard.images.stored import stored
        from dockyard.usage import measured

        return measured(self.images, self.containers, self.volumes, self.models,
                        self.build_cache(), stored(self.paths, self.database))  # fmt: skip

    def commit(
        self, container: str, tag: str | None = None, *, author: str = "", message: str = "",
        changes: Sequence[str] = (), pause: bool = True, progress: Progressed | None = None,
    ) -> Image:  # fmt: skip
        """Makes an image of what a container has changed.

        Args:
            container: its name or id.
            tag: the image's name; none where ``None``.
            changes: Dockerfile instructions for the configuration, such as ``ENV A=b``.
            pause: let it stand still while its files are copied.
            progress: hears how many bytes are copied and hashed.

        Raises:
            NotFound: no such container.
            InvalidInput, BuildError: a change is no instruction, or one that needs a build.
        """
        from dockyard.build.changes import changed
        from dockyard.containers.content.commit import CommitOptions
        from dockyard.oci.reference import Reference

        name = None if tag is None else Reference.parse(tag)
        options = CommitOptions(name=name, author=author, message=message, pause=pause)
        return self.containers.commit(
            container, options, lambda config: changed(config, changes), progress
        )

    def _image(self, image: Image | str) -> tuple[Image, str]:
        if isinstance(image, str):
            return self.images.find(image), image
        return image, image.names[0] if image.names else image.id

    def _recover(self) -> None:
        from dockyard import recovery

        recovery.recover(self.parts, self.containers)

"""``compose run``: a container of its own for a command, beside those of its service."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from dockyard.compose import (
    host_files,
    limits,
    observe,
    oneoff,
    order,
    runner,
    selection,
    starting,
    stored,
    turns,
    unsupported,
)
from dockyard.compose.converge import Present, donors, slot
from dockyard.compose.desired.files import WrittenFile
from dockyard.compose.desired.service import desired, numbered
from dockyard.compose.imaging import Imaging
from dockyard.compose.model.project import Project
from dockyard.compose.oneoff import RunOptions
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.progress import Listener, silent
from dockyard.compose.waiting import Watcher
from dockyard.containers.attach import Streams
from dockyard.containers.model import Container
from dockyard.containers.options import Options
from dockyard.images.model import Image

if TYPE_CHECKING:  # the engine is above us
    from dockyard.build.progress import Listener as Built
    from dockyard.engine import Engine

_SLUG_BYTES = 32


class Prepared(msgspec.Struct, frozen=True):
    """A container that is to be run."""

    image: Image
    image_name: str
    options: Options
    files: tuple[WrittenFile, ...] = ()
    """Secrets and configs, which are yet to be written."""


class OneOff(msgspec.Struct, frozen=True, kw_only=True):
    """Runs commands in containers of their own.

    ``create`` says how the images and dependencies come to be; ``listener`` hears of them, and
    ``built`` of builds.
    """

    engine: Engine
    project: Project
    create: CreateOptions = CreateOptions()
    listener: Listener = silent
    built: Built | None = None

    def prepare(self, name: str, asked: RunOptions) -> Prepared | None:
        """Brings up what the service needs, and says what is to be run; nothing in a dry run.

        Raises:
            NotFound: there is no such service.
            DockyardError: something that it needs can't be had.
        """
        selection.service_of(self.project, name)
        self._bring_dependencies(name)
        services = {**self.project.services,
                    name: oneoff.service(self.project.services[name], asked)}  # fmt: skip
        whole = replace(self.project, services=services)
        alone = replace(whole, services={name: services[name]})
        unsupported.refuse(alone)
        host_files.require(alone)
        wanted = desired(whole, services[name], stored.room(self.engine.paths, whole.name))
        limits.require(self.engine.parts, wanted)
        if self.create.dry_run:
            return None
        self.engine.stacks.make_shared(alone, self._create, listener=self.listener)
        image = Imaging(self.engine, alone, self.create, self.listener, self.built).ensure()[name]
        options = numbered(
            whole, wanted, 1, image.id,
            donors=donors(whole, services[name], self._present({*whole.services, *whole.disabled})),
        )  # fmt: skip
        slug = os.urandom(_SLUG_BYTES).hex()
        made = oneoff.options(whole, options, asked, slug)
        return Prepared(image, wanted.image, made, wanted.files)

    def run(
        self, prepared: Prepared, streams: Streams | None = None,
        created: Callable[[Container], object] | None = None,
    ) -> Container:  # fmt: skip
        """Runs what was prepared; see :meth:`dockyard.containers.apply.Containers.run`.

        It is the project's turn until there is the container: who has it removes the secrets that
        no container has.
        """
        name = self.project.name
        with contextlib.ExitStack() as turn:
            turn.enter_context(turns.held(self.engine, name))
            stored.write(stored.room(self.engine.paths, name), prepared.files)

            def made(container: Container) -> None:
                turn.close()
                if created is not None:
                    created(container)

            return self.engine.containers.run(
                prepared.image, prepared.image_name, prepared.options, streams, made
            )

    @property
    def _create(self) -> CreateOptions:
        """A command beside the others is no reason to stop them for another network or volume."""
        return replace(self.create, keep_shared=True)

    def _present(self, services: Iterable[str]) -> Present:
        stack = observe.observed(self.engine, self.project.name)
        return {name: tuple(map(slot, stack.of(name))) for name in services}

    def _bring_dependencies(self, name: str) -> None:
        """The containers of what the service needs, as far as it waits for them."""
        others = selection.without(self.project, (name,))
        if not others.services:
            return
        self.engine.stacks.up(others, self._create, StartOptions(), listener=self.listener,
                               built=self.built)  # fmt: skip
        if self.create.dry_run:
            return
        needed = order.graph(self.project)[name]
        awaits = starting.starts({name: needed}, self._present(needed), self.project.services)
        watcher = Watcher(self.engine, self.listener)
        runner.run(awaits, lambda _action: None, watcher.arrived)

"""Builds the images of a project's services, side by side as far as they don't need each other."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Self

import msgspec

from dockyard.build.mounts.secrets import SecretSource, read_secret
from dockyard.build.progress import Event
from dockyard.build.progress import Listener as Watching
from dockyard.build.progress import silent as unwatched
from dockyard.compose import progress, together
from dockyard.compose.build import plan
from dockyard.compose.build.plan import BuildOptions, BuildSecret, Job
from dockyard.compose.desired.names import at
from dockyard.compose.desired.words import of_builds
from dockyard.compose.model.project import Project
from dockyard.compose.progress import Listener, Step
from dockyard.errors import DockyardError

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine
    from dockyard.images.model import Image

_STAGE = re.compile(r"\[(?=[^\]]*\])")


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """Builds a project's images.

    ``watching`` gets the progress of all builds, whose steps have numbers and names of their own;
    ``listener`` is told which images are built.
    """

    engine: Engine
    project: Project
    options: BuildOptions = BuildOptions()
    watching: Watching = unwatched
    listener: Listener = progress.silent
    parallel: int = -1
    pushed: Callable[[str], object] = progress.silent_words
    """Pushes an image that was built."""

    def heard_by(self, watching: Watching, listener: Listener) -> Self:
        """The same, telling others of it."""
        return msgspec.structs.replace(self, watching=watching, listener=listener)

    def build(self, services: Collection[str]) -> dict[str, Image]:
        """Builds the images of some services, and those that they build upon.

        Returns:
            The images by the names of their services.

        Raises:
            BuildError, NotFound, RegistryError: see :meth:`dockyard.engine.Engine.build`.
        """
        wanted = plan.jobs(self.project, services, self.options)
        numbers = _Numbers()
        found: dict[str, Image] = {}

        def make(name: str) -> None:
            found[name] = self._make(wanted[name], numbers)

        needed = plan.needed(self.project, wanted)
        together.in_order(needed, make, parallel=self.parallel)
        return found

    def _make(self, job: Job, numbers: _Numbers) -> Image:
        try:
            with of_builds(job.service), at(f"services.{job.service}.build"):
                image = run(self.engine, job, numbers.of(job.service, self.watching))
        except DockyardError:
            self.listener(Step(job.image, "Error", "error"))
            raise
        self.listener(Step(job.image, "Built", "done"))
        for name in job.push:
            self.pushed(name)
        return image


class _Numbers:
    """Gives the steps of several builds numbers that none has twice, and their service's name."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], int] = {}
        self._guard = threading.Lock()

    def of(self, service: str, watching: Watching) -> Watching:
        """What hears of one service's steps, and passes them on."""

        def hear(event: Event) -> None:
            with self._guard:
                number = event.step
                if number:
                    number = self._known.setdefault((service, number), len(self._known) + 1)
                watching(
                    msgspec.structs.replace(event, step=number, name=named(service, event.name))
                )

        return hear


def named(service: str, step: str) -> str:
    """A step's name with its service: ``[web 1/2] FROM debian``. Pure."""
    if _STAGE.match(step):
        return f"[{service} {step[1:]}"
    return f"[{service}] {step}"


def run(engine: Engine, job: Job, watching: Watching = unwatched) -> Image:
    """Builds one image; see :meth:`dockyard.engine.Engine.build`."""
    return engine.build(
        job.context,
        tag=(job.image, *job.tags),
        dockerfile=job.source,
        build_args=job.args,
        target=job.target,
        labels=job.labels,
        no_cache=job.no_cache,
        platform=job.platform,
        contexts=job.contexts,
        secrets={each.id: _value(each) for each in job.secrets},
        ssh=job.ssh,
        allow=job.allow,
        steps=job.steps,
        cache_to=job.cache_to,
        cache_from=job.cache_from,
        pull=job.pull,
        listener=watching,
    )


def _value(secret: BuildSecret) -> bytes:
    if not secret.path:
        return secret.value.encode()
    return read_secret(SecretSource(secret.id, secret.path), {}).value

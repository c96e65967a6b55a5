"""Pulling and pushing the images of a project's services."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dockyard.compose import progress, pulls, together
from dockyard.compose.amounts import Amounts
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.compose.progress import Listener, Step
from dockyard.errors import DockyardError, NotFound
from dockyard.observability.transfers import Transfer
from dockyard.oci.reference import DEFAULT_TAG, Reference

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """Pulls and pushes a project's images, and tells of it.

    With ``quiet`` nobody is told of bytes. With ``ignore_failures`` all that can be done is done,
    and ``warn`` gets what couldn't.
    """

    engine: Engine
    project: Project
    listener: Listener = progress.silent
    warn: Callable[[str], object] = progress.silent_words
    quiet: bool = False
    ignore_failures: bool = False
    parallel: int = -1
    dry_run: bool = False

    def pull(self, *, ignore_buildable: bool = False) -> None:
        """Pulls the images of the project's services.

        Args:
            ignore_buildable: leave out what can be built.

        Raises:
            DockyardError: one can't be pulled, and can't be built either.
        """
        taken: dict[str, str] = {}
        must_build: list[str] = []
        for name, service in self.project.services.items():
            reason = self._skipped(service, taken, ignore_buildable=ignore_buildable)
            if reason is None:
                taken[service.image] = name
            else:
                self.listener(Step(name, state="done", text=reason))

        def pull(name: str) -> None:
            service = self.project.services[name]
            try:
                self._pull(service)
            except DockyardError as error:
                if service.build is not None:
                    self.listener(Step(name, error.message, "warning", "Warning"))
                    must_build.append(name)
                    return
                self.listener(Step(name, error.message, "error", "Error"))
                if not self.ignore_failures:
                    raise

        together.at_once(taken.values(), pull, parallel=self.parallel)
        if must_build:
            self.warn(
                "Some service image(s) must be built from source by running:\n"
                f"    dockyard compose build {' '.join(sorted(must_build))}"
            )

    def _skipped(
        self, service: Service, taken: dict[str, str], *, ignore_buildable: bool
    ) -> str | None:
        """Why an image isn't pulled; ``None`` where it is."""
        if not service.image:
            return "Skipped - No image to be pulled"
        if service.pull_policy in {"never", "build"}:
            return "Skipped"
        if service.pull_policy in {"missing", "if_not_present"} and self._is_here(service.image):
            return "Skipped - Image is already present locally"
        if service.build is not None and ignore_buildable:
            return "Skipped - Image can be built"
        if service.image in taken:
            return f"Skipped - Image is already being pulled by {taken[service.image]}"
        return None

    def _is_here(self, image: str) -> bool:
        """What is called ``latest`` may be another one by now."""
        try:
            self.engine.images.find(image)
        except NotFound:
            return False
        return Reference.parse(image).tag != DEFAULT_TAG

    def _pull(self, service: Service) -> None:
        self.listener(Step(service.name, text="Pulling"))
        if not self.dry_run:
            told = self._bytes(Step(service.name, text="Pulling"))
            pulls.pull(self.engine, self.project, service, service.image, told)
        self.listener(Step(service.name, state="done", text="Pulled"))

    def push(self) -> None:
        """Pushes the images that are built here, under all their names.

        Raises:
            DockyardError: one can't be pushed.
        """
        wanted: dict[str, str] = {}
        for name, service in self.project.services.items():
            if service.build is None or not service.image:
                self.listener(Step(name, state="done", text="Skipped"))
                continue
            wanted |= dict.fromkeys((service.image, *service.build.tags), name)

        def push(image: str) -> None:
            try:
                self.push_one(image)
            except DockyardError as error:
                if not self.ignore_failures:
                    raise
                self.warn(f"Pushing {wanted[image]}: {error.message}")

        together.at_once(wanted, push, parallel=self.parallel)

    def push_one(self, image: str) -> None:
        """Pushes one image.

        Raises:
            DockyardError: it can't be pushed.
        """
        key = f"Pushing {image}"
        self.listener(Step(key))
        try:
            if not self.dry_run:
                self.engine.push(image, listener=self._bytes(Step(key)))
        except DockyardError:
            self.listener(Step(key, "Error", "error"))
            raise
        self.listener(Step(key, "Pushed", "done"))

    def _bytes(self, step: Step) -> Callable[[Transfer], None] | None:
        return None if self.quiet else Amounts(self.listener, step)

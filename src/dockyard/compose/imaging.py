"""The images of services: here already, pulled, or built."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from dockyard.build.progress import silent as unwatched
from dockyard.compose import pulls, together
from dockyard.compose.amounts import Amounts
from dockyard.compose.build.apply import Builder
from dockyard.compose.build.plan import BuildOptions
from dockyard.compose.desired import names
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.compose.options import CreateOptions
from dockyard.compose.progress import Listener, Step
from dockyard.compose.situation import ImageFacts
from dockyard.errors import DockyardError, InvalidInput, NotFound
from dockyard.images.model import Image
from dockyard.oci.durations import parse_go_duration

if TYPE_CHECKING:  # the engine is above us
    from dockyard.build.progress import Listener as Built
    from dockyard.engine import Engine

_HOUR: Final = 3600 * 10**9
_EVERY: Final = "every_"
_REFRESHES: Final = {"daily": 24 * _HOUR, "weekly": 7 * 24 * _HOUR}

How = Literal["pull", "build", "nothing"]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the image of a service comes to be here."""

    service: str
    image: str
    how: How
    otherwise: How = "nothing"
    """Where a pull fails."""


def ways(
    project: Project, present: Mapping[str, Image], options: CreateOptions, *, now: int
) -> tuple[Way, ...]:
    """How each service's image comes to be here. Pure.

    Args:
        present: the images that are here, by the services' names for them.
        now: nanoseconds since 1970.

    Raises:
        InvalidInput: a service says neither which image nor how to build it.
    """
    found = []
    for service in project.services.values():
        if not service.image and service.build is None:
            raise InvalidInput(
                f'invalid service "{service.name}". Must specify either image or build',
                hint=f"add image: or build: to service {service.name}",
            )
        name = names.image_name(project, service)
        found.append(_way(project, service, name, present.get(name), options, now))
    return tuple(found)


def _way(
    project: Project, service: Service, name: str, image: Image | None, options: CreateOptions,
    now: int,
) -> Way:  # fmt: skip
    policy = options.pull or service.pull_policy
    buildable = service.build is not None and options.build != "never"
    built_by_another = any(
        other.build is not None and other.image == service.image
        for other in project.services.values()
    )
    if buildable and (options.build == "always" or policy == "build"):
        return Way(service=service.name, image=name, how="build")
    if service.image and _must_pull(service, policy, image, now):
        otherwise: How = "build" if buildable else "nothing"
        if built_by_another and not buildable:
            return Way(service=service.name, image=name, how="nothing")
        return Way(service=service.name, image=name, how="pull", otherwise=otherwise)
    if buildable and image is None:
        return Way(service=service.name, image=name, how="build")
    return Way(service=service.name, image=name, how="nothing")


def _must_pull(service: Service, policy: str, image: Image | None, now: int) -> bool:
    if policy == "always":
        return True
    if policy in {"never", "build"}:
        return False
    age = refresh_age(service.name, policy)
    if image is None or age is None:
        return image is None
    return now > image.built + age


def refresh_age(service: str, policy: str) -> int | None:
    """After how many nanoseconds a policy has an image pulled again; ``None`` for never.

    Raises:
        InvalidInput: it is no duration.
    """
    if not policy.startswith(_EVERY):
        return _REFRESHES.get(policy)
    text = policy.removeprefix(_EVERY)
    found = _long_duration(text)
    if found is None:
        raise InvalidInput(f"services.{service}.pull_policy: invalid duration {text!r}",
                           hint="such as every_12h or every_2d")  # fmt: skip
    return found


def _long_duration(text: str) -> int | None:
    """Go's notation, with days and weeks before it: ``1w2d3h``."""
    total = 0
    for unit, hours in (("w", 7 * 24), ("d", 24)):
        number, found, rest = text.partition(unit)
        if found and number.isascii() and number.isdecimal():
            total, text = total + int(number) * hours * _HOUR, rest
    more = parse_go_duration(text) if text else 0
    return None if more is None else total + more


class Imaging:
    """Brings the images of a project here."""

    def __init__(
        self, engine: Engine, project: Project, options: CreateOptions, listener: Listener,
        built: Built | None = None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._project = project
        self._options = options
        self._listener = listener
        self._built = built

    def present(self) -> dict[str, Image]:
        """The images that are here, by the services' names for them."""
        found = {}
        for service in self._project.services.values():
            name = names.image_name(self._project, service)
            image = self.find(name)
            if image is not None:
                found[name] = image
        return found

    def find(self, name: str) -> Image | None:
        """An image that is here; ``None`` where it isn't."""
        try:
            return self._engine.images.find(name)
        except NotFound:
            return None

    def ensure(self) -> dict[str, Image]:
        """Pulls and builds what has to be; the image of each service.

        With a dry run nothing is done, and images that would come are missing.

        Raises:
            DockyardError: one can't be had.
        """
        present = self.present()
        found = ways(self._project, present, self._options, now=time.time_ns())
        if self._options.dry_run:
            self._tell_of(found)
        else:
            present |= self._bring(found)
            self._tell_stand_ins(found)
        return {way.service: present[way.image] for way in found if way.image in present}

    def _tell_of(self, found: Iterable[Way]) -> None:
        for way in found:
            if way.how == "pull":
                self._listener(Step(way.service, text="Pulling"))
                self._listener(Step(way.service, state="done", text="Pulled"))
            elif way.how == "build":
                self._listener(Step(way.service, "Building"))
                self._listener(Step(way.service, "Built", "done"))

    def _tell_stand_ins(self, found: Iterable[Way]) -> None:
        """A name that stands for another image does so visibly."""
        for way in found:
            resolution = self._engine.images.resolve(way.image)
            if resolution.note:
                self._listener(Step(way.service, text=resolution.note, state="done"))

    def _bring(self, found: tuple[Way, ...]) -> dict[str, Image]:
        pulls = {way.image: way for way in found if way.how == "pull"}
        builds = {way.service: way for way in found if way.how == "build"}
        images: dict[str, Image] = {}
        if pulls:
            images, failed = self._pull_all(tuple(pulls.values()))
            builds |= {way.service: way for way in failed}
        if builds:
            images |= self._build_all(builds)
        for way in found:
            if way.how == "nothing" and way.image not in images:
                image = self.find(way.image)
                if image is None:
                    raise self._missing(way)
        return images

    def _missing(self, way: Way) -> NotFound:
        return NotFound(
            f"no such image: {way.image}", context=f"services.{way.service}",
            hint="--pull missing pulls it, --build builds it where the service says how",
            reference="no-such-image",
        )  # fmt: skip

    def _pull_all(self, wanted: tuple[Way, ...]) -> tuple[dict[str, Image], list[Way]]:
        images: dict[str, Image] = {}
        failed: list[Way] = []
        by_image = {way.image: way for way in wanted}

        def pull(name: str) -> None:
            image = self._pull(by_image[name])
            if image is None:
                failed.append(by_image[name])
            else:
                images[name] = image

        together.at_once(by_image, pull, parallel=self._options.parallel or -1)
        return images, failed

    def _pull(self, way: Way) -> Image | None:
        """The image; ``None`` where it can't be pulled and is built instead."""
        self._listener(Step(way.service, text="Pulling"))
        service = self._project.services[way.service]
        told = Amounts(self._listener, Step(way.service, text="Pulling"))
        heard = None if self._options.quiet_pull else told
        try:
            image = pulls.pull(self._engine, self._project, service, way.image, heard)
        except DockyardError as error:
            if way.otherwise == "build":
                self._listener(Step(way.service, error.message, "warning", "Warning"))
                return None
            self._listener(Step(way.service, error.message, "error", "Error"))
            raise
        self._listener(Step(way.service, state="done", text="Pulled"))
        return image

    def _build_all(self, wanted: Mapping[str, Way]) -> dict[str, Image]:
        for name in wanted:
            self._listener(Step(name, "Building"))

        def told(step: Step) -> None:
            """Of a service, as all else is told."""
            for way in wanted.values():
                if way.image == step.id:
                    self._listener(msgspec.structs.replace(step, id=way.service))

        builder = Builder(
            engine=self._engine, project=self._project, options=BuildOptions(to_run=True),
            watching=self._built or unwatched, listener=told,
            parallel=self._options.parallel or -1,
        )  # fmt: skip
        found = builder.build(wanted)
        return {wanted[name].image: found[name] for name in wanted}


def facts(images: Mapping[str, Image]) -> dict[str, ImageFacts]:
    """What of images matters to containers."""
    return {
        service: ImageFacts(id=image.id, volumes=tuple(image.config.config.volumes))
        for service, image in images.items()
    }

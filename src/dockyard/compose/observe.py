"""What there is of a project: its containers, networks and volumes, found by their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from dockyard.compose import labels
from dockyard.compose.model.parts import Dependency
from dockyard.containers import model as containers
from dockyard.networks.model import Network, PortMapping
from dockyard.volumes.model import Volume

if TYPE_CHECKING:  # the engine is above us
    from dockyard.containers.health.model import Report
    from dockyard.engine import Engine

UP = frozenset({"running", "restarting", "paused"})
"""States of a container that has a program, or is about to have it again."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """A container of a project, as it is at one moment."""

    record: containers.Container
    health: str = ""
    """``starting``, ``healthy``, ``unhealthy`` or ``unknown``; empty where nothing is checked."""
    ports: tuple[PortMapping, ...] = ()
    """With the real ports of the host; none where it doesn't run."""
    networks: tuple[str, ...] = ()
    """Names of those that it is, or is to be, connected to."""

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def labels(self) -> Mapping[str, str]:
        return self.record.labels

    @property
    def project(self) -> str:
        return self.labels.get(labels.PROJECT, "")

    @property
    def service(self) -> str:
        return self.labels.get(labels.SERVICE, "")

    @property
    def number(self) -> int:
        return labels.number(self.labels)

    @property
    def oneoff(self) -> bool:
        return labels.is_oneoff(self.labels)

    @property
    def hash(self) -> str:
        return self.labels.get(labels.HASH, "")

    @property
    def image_digest(self) -> str:
        """Of the image that it was made from, by its label."""
        return self.labels.get(labels.IMAGE, "")

    @property
    def replaces(self) -> str:
        """What the container was called that it is to stand in for; empty for most."""
        return self.labels.get(labels.REPLACE, "")

    @property
    def image(self) -> str:
        return self.record.image_name

    @property
    def image_id(self) -> str:
        return self.record.image_id

    @property
    def state(self) -> str:
        """In Docker's words: ``created``, ``running``, ``paused``, ``restarting``, ``exited``..."""
        return self.record.shown_state

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def exit_code(self) -> int:
        return self.record.exit_code

    @property
    def depends_on(self) -> dict[str, Dependency]:
        return labels.read_dependencies(self.labels.get(labels.DEPENDS_ON, ""))


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """All that there is of a project."""

    name: str
    containers: tuple[Observed, ...] = ()
    """By service and number; those of ``compose run`` last."""
    networks: dict[str, Network] = {}
    """By name, as ``volumes``: two may have been made for one key of the project's file."""
    volumes: dict[str, Volume] = {}

    @property
    def lasting(self) -> tuple[Observed, ...]:
        """All containers but those of ``compose run``."""
        return tuple(each for each in self.containers if not each.oneoff)

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that have a container, sorted."""
        return tuple(sorted({each.service for each in self.lasting}))

    def of(self, *services: str) -> tuple[Observed, ...]:
        """The containers of some services, without those of ``compose run``."""
        return tuple(each for each in self.lasting if each.service in services)

    @property
    def exists(self) -> bool:
        return bool(self.containers or self.networks or self.volumes)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A project as ``compose ls`` shows it."""

    name: str
    states: dict[str, int]
    """How many of its containers are in each state."""
    files: tuple[str, ...] = ()
    working_dir: str = ""

    @property
    def status(self) -> str:
        """Such as ``exited(1), running(2)``."""
        return ", ".join(f"{state}({count})" for state, count in sorted(self.states.items()))


def observed(engine: Engine, project: str) -> Stack:
    """What there is of a project at this moment; an empty stack where there is nothing."""
    found = [each for each in engine.containers.all() if each.labels.get(labels.PROJECT) == project]
    mine = [each for each in found if labels.is_ours(each.labels)]
    networks = [each for each in engine.networks.list()
                if each.labels.get(labels.PROJECT) == project]  # fmt: skip
    volumes = [each for each in engine.volumes.list()
               if each.labels.get(labels.PROJECT) == project]  # fmt: skip
    return Stack(
        name=project,
        containers=_observed(engine, mine),
        networks={each.name: each for each in networks},
        volumes={each.name: each for each in volumes},
    )


def refreshed(engine: Engine, container_id: str) -> Observed:
    """One container as it is now.

    Raises:
        NotFound: it is gone.
    """
    found = engine.containers.get(container_id)
    return _one(engine, found, engine.containers.health(found))


def projects(engine: Engine) -> tuple[Listed, ...]:
    """All projects that have a container, by name."""
    grouped: dict[str, list[containers.Container]] = {}
    for each in engine.containers.all():
        if labels.is_ours(each.labels) and not labels.is_oneoff(each.labels):
            grouped.setdefault(each.labels[labels.PROJECT], []).append(each)
    return tuple(_listed(name, grouped[name]) for name in sorted(grouped))


def _listed(name: str, present: Iterable[containers.Container]) -> Listed:
    states: dict[str, int] = {}
    files: dict[str, None] = {}
    directory = ""
    for each in present:
        states[each.shown_state] = states.get(each.shown_state, 0) + 1
        files |= dict.fromkeys(labels.split(each.labels.get(labels.CONFIG_FILES, "")))
        directory = directory or each.labels.get(labels.WORKING_DIR, "")
    return Listed(name=name, states=states, files=tuple(files), working_dir=directory)


def _observed(engine: Engine, present: Iterable[containers.Container]) -> tuple[Observed, ...]:
    found = sorted(present, key=_order)
    healths = engine.containers.healths() if any(map(_is_checked, found)) else {}
    return tuple(_one(engine, each, healths.get(each.id)) for each in found)


def _is_checked(container: containers.Container) -> bool:
    return container.has_healthcheck


def _one(engine: Engine, container: containers.Container, report: Report | None) -> Observed:
    return Observed(
        record=container,
        health="" if report is None or not container.running else report.status,
        ports=engine.containers.ports(container) if container.running else (),
        networks=_networks(container),
    )


def _networks(container: containers.Container) -> tuple[str, ...]:
    networking = container.options.networking
    if networking.connections is None:
        return (networking.network,)
    return tuple(each.network for each in networking.connections)


def _order(container: containers.Container) -> tuple[bool, str, int, str]:
    found = container.labels
    return (
        labels.is_oneoff(found), found.get(labels.SERVICE, ""), labels.number(found),
        container.name,
    )  # fmt: skip

"""Health as commands see it: begun when a container starts, and read."""

from __future__ import annotations

import time

from dockyard.containers.health import decide
from dockyard.containers.health.model import Health, Report
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.controller import client
from dockyard.system.host import ProcessIdentity


def begin(parts: Parts, container: Container) -> None:
    """Writes down that a container is checked from now on, before it is started.

    Whoever has started it wakes the controller.
    """
    if container.healthcheck is None:
        return
    image = parts.images.get(container.image_id)
    check = decide.complete(container.healthcheck, image.config.config.shell)
    known = parts.health.get(container.id)
    now = time.time_ns()
    health = decide.begun(None if known is None else known[0], now)
    parts.health.put(container.id, health, decide.next_probe(health, check, now))


def report(parts: Parts, container: Container) -> Report | None:
    """What a container's check says at this moment; ``None`` where it has none, or never ran."""
    found = None if container.healthcheck is None else parts.health.get(container.id)
    return None if found is None else _report(container, found, _keeper(parts))


def reports(parts: Parts) -> dict[str, Report]:
    """The health of all containers that were ever started with a check, by id."""
    found = parts.health.all()
    if not found:
        return {}
    keeper = _keeper(parts)
    containers = {one.id: one for one in parts.store.all()}
    return {key: _report(containers[key], health, keeper)
            for key, health in found.items() if key in containers}  # fmt: skip


def _report(
    container: Container, found: tuple[Health, int], keeper: ProcessIdentity | None
) -> Report:
    health, due = found
    return decide.report(
        health, running=container.running, due=due, now=time.time_ns(), keeper=keeper
    )


def _keeper(parts: Parts) -> ProcessIdentity | None:
    known = client.keeper(parts.paths)
    return None if known is None else known.process

"""The replicas that there are: containers with a template's label, as the engine knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dockyard.compose import labels
from dockyard.containers.model import Container
from dockyard.serving.controller.model import Replica, State
from dockyard.serving.gateway.model import Backend
from dockyard.serving.records import TEMPLATE
from dockyard.serving.store import Key

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_SECOND = 10**9

Present = dict[Key, tuple[Replica, ...]]
"""By project and variant, in the order of their numbers."""


def replicas(engine: Engine, port: Callable[[Key], int], state: Callable[[str], State]) -> Present:
    """All replicas of a root.

    Args:
        port: of a variant's replicas; 0 for a variant that isn't served any more.
        state: of a container that runs, by its id.
    """
    healths = engine.containers.healths()
    found: dict[Key, list[Replica]] = {}
    for each in engine.containers.all():
        if TEMPLATE not in each.labels:
            continue
        report = healths.get(each.id)
        unhealthy = report is not None and each.running and report.status == "unhealthy"
        key = (each.labels.get(labels.PROJECT, ""), each.labels.get(labels.SERVICE, ""))
        found.setdefault(key, []).append(
            _replica(engine, each, port(key), state, unhealthy=unhealthy)
        )
    return {key: _in_order(those) for key, those in found.items()}


def _in_order(found: Iterable[Replica]) -> tuple[Replica, ...]:
    return tuple(sorted(found, key=lambda each: each.number))


def _replica(
    engine: Engine, container: Container, port: int, state: Callable[[str], State], *,
    unhealthy: bool,
) -> Replica:  # fmt: skip
    endpoints = engine.parts.networks.store.endpoints_of(container.holder)
    first = next((each for each in endpoints if each.address), None)
    process = container.process
    alive = container.running and process is not None and process.alive()
    return Replica(
        id=container.id,
        name=container.name,
        number=labels.number(container.labels),
        template=container.labels[TEMPLATE],
        state=_state(container, state(container.id), alive=alive),
        backend=Backend(first.address, port) if first and alive and port else None,
        gateway=first.gateway if first else "",
        process=process if alive else None,
        created=container.created / _SECOND,
        started=container.started / _SECOND,
        exit_code=container.exit_code,
        oom_killed=container.oom_killed,
        unhealthy=unhealthy,
        paused=alive and container.paused,
        memory=container.options.resources.memory or 0,
    )


def _state(container: Container, known: State, *, alive: bool) -> State:
    """Between its program's end and the record of it one that served is replaced already; one that
    never did first has its exit code told."""
    if container.state == "removing":  # its name is taken until it is gone
        return "draining"
    if alive and container.paused:
        return "draining"
    if alive:
        return known
    if container.running:
        return "draining" if known == "ready" else known
    return "starting" if container.state in {"creating", "created", "starting"} else "ended"

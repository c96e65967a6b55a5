"""In what order containers are started, and what each waits for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dockyard.compose import order, rolling
from dockyard.compose.actions import Action, Await, Condition, Start
from dockyard.compose.converge import Present, Slot
from dockyard.compose.model.service import Service
from dockyard.compose.order import Needs

_COMPLETED: Final = "service_completed_successfully"
_STARTED = "service_started"


def starts(
    graph: Needs, present: Present, services: Mapping[str, Service] | None = None
) -> tuple[Action, ...]:
    """Starts all that doesn't run, each service after what it needs.

    Args:
        services: those whose containers may be updated a few at a time, which is done here, too.
    """
    actions: list[Action] = []
    gates: dict[str, tuple[str, ...]] = {}
    for name in order.in_order(graph):
        needed = graph[name]
        before = tuple(key for other in needed for key in gates.get(other, ()))
        awaits = [
            _await(name, other, each.condition, present[other], before, required=each.required)
            for other, each in needed.items()
            if each.condition != _STARTED and present.get(other)
        ]
        waited = (*before, *(each.key for each in awaits))
        slots = present.get(name, ())
        own: list[Action] = [
            _start(name, slot, waited) for slot in slots if not slot.running and slot.update is None
        ]
        recreations = [slot.update for slot in slots if slot.update is not None]
        if recreations and services is not None:
            own += rolling.updates(services[name], recreations, waited)
        actions += [*awaits, *own]
        gates[name] = tuple(each.key for each in own) or waited
    return tuple(actions)


def needed(graph: Needs, present: Present) -> tuple[Action, ...]:
    """Waits for what services need that are started elsewhere."""
    return tuple(
        _await(name, other, each.condition, present[other], (), required=each.required)
        for name, needs in graph.items()
        for other, each in needs.items()
        if each.condition != _STARTED and present.get(other)
    )


def awaits(graph: Needs, present: Present) -> tuple[Action, ...]:
    """Waits for all services: until they run, are healthy or, where others need that, are done."""
    once = {
        other
        for needed in graph.values()
        for other, each in needed.items()
        if each.condition == _COMPLETED
    }
    return tuple(
        _await("", name, _COMPLETED if name in once else "running_or_healthy", slots, ())
        for name, slots in present.items()
        if slots
    )


def _start(service: str, slot: Slot, after: tuple[str, ...]) -> Start:
    return Start(key=f"start:{slot.name}", service=service, name=slot.name, id=slot.id, after=after)


def _await(
    dependent: str, service: str, condition: Condition, slots: tuple[Slot, ...],
    after: tuple[str, ...], *, required: bool = True,
) -> Await:  # fmt: skip
    return Await(
        key=f"await:{dependent}:{service}", dependent=dependent, service=service,
        condition=condition, targets=tuple(slot.target for slot in slots),
        names=tuple(slot.name for slot in slots), required=required, after=after,
    )  # fmt: skip

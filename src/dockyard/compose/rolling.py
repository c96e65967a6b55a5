"""``deploy.update_config``: a service's containers are made anew a few at a time. Pure.

Each batch begins once the one before runs, or is healthy where that is asked, and has done so for
``monitor``. One that fails ends it (``pause``), or not (``continue``). With the order
``start-first`` a container is stopped only when the one that stands in for it does so, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dockyard.compose.actions import (
    Action,
    Await,
    ContainerAction,
    Pause,
    Recreate,
    Remove,
    Rename,
    Start,
    Stop,
    Substitute,
)
from dockyard.compose.model.parts import UpdateConfig
from dockyard.compose.model.service import Service

START_FIRST = "start-first"
CONTINUE = "continue"


def config(service: Service) -> UpdateConfig | None:
    """How a service wants to be updated; ``None`` for all at once."""
    return None if service.deploy is None else service.deploy.update_config


def batch_size(asked: UpdateConfig, count: int) -> int:
    """How many containers are made anew at once; one where nothing is said, 0 means all."""
    wanted = 1 if asked.parallelism is None else asked.parallelism
    return wanted or max(count, 1)


def starts_first(service: Service) -> bool:
    """Whether new containers may run beside those that they stand in for.

    Two can't publish one port of the host.
    """
    asked = config(service)
    return asked is not None and asked.order == START_FIRST and not publishes_fixed(service)


def goes_on(service: Service) -> bool:
    """Whether a container that fails keeps no other from being made anew.

    Where new ones run first, the others run on as they are.
    """
    asked = config(service)
    wants = asked is not None and asked.failure_action == CONTINUE
    return wants and not starts_first(service)


def publishes_fixed(service: Service) -> bool:
    """Whether a certain port of the host is published."""
    return any(port.published and "-" not in port.published for port in service.ports)


def updates(
    service: Service, recreations: Sequence[Recreate], before: tuple[str, ...]
) -> tuple[Action, ...]:
    """The actions that make containers anew, and start them, batch after batch.

    Args:
        recreations: of the containers that are replaced, in order.
        before: keys of what has to be done first.
    """
    asked = config(service) or UpdateConfig()
    size = batch_size(asked, len(recreations))
    found: list[Action] = []
    gate = before
    for number, first in enumerate(range(0, len(recreations), size)):
        batch = recreations[first : first + size]
        if number:
            found += _waits(service, number, recreations[first - size : first], gate, asked)
            gate = (found[-1].key,)
        found += [action for each in batch for action in _made_anew(service, each, gate)]
        gate = tuple(_last(each, start_first=starts_first(service)) for each in batch)
    if asked.monitor and recreations and not starts_first(service):
        left = len(recreations) % size or min(size, len(recreations))
        found.append(_arrived(service, 0, recreations[-left:], gate))
    return tuple(found)


def _made_anew(service: Service, each: Recreate, gate: tuple[str, ...]) -> tuple[Action, ...]:
    if starts_first(service):
        return _beside(each, gate, _monitored(service))
    return _instead(each, gate)


def _waits(
    service: Service, number: int, batch: Iterable[Recreate], gate: tuple[str, ...],
    asked: UpdateConfig,
) -> list[Action]:  # fmt: skip
    arrived = _arrived(service, number, batch, gate)
    if not asked.delay:
        return [arrived]
    pause = Pause(
        key=f"pause:{service.name}:{number}", service=service.name,
        seconds=asked.delay / 10**9, after=(arrived.key,),
    )  # fmt: skip
    return [arrived, pause]


def _arrived(
    service: Service, number: int, batch: Iterable[Recreate], gate: tuple[str, ...]
) -> Await:
    names = tuple(each.wanted for each in batch)
    return Await(
        key=f"updated:{service.name}:{number}", dependent="", service=service.name,
        condition="running_or_healthy", targets=names, names=names, after=gate,
        required=not goes_on(service), monitor=_monitored(service),
    )  # fmt: skip


def _monitored(service: Service) -> float:
    """Seconds."""
    asked = config(service)
    return 0.0 if asked is None or asked.monitor is None else asked.monitor / 10**9


def _instead(each: Recreate, gate: tuple[str, ...]) -> tuple[ContainerAction, ...]:
    recreate = msgspec.structs.replace(each, after=(*each.after, *gate))
    start = Start(
        key=f"start:{each.wanted}", service=each.service, name=each.wanted, after=(recreate.key,)
    )
    return recreate, start


def _beside(each: Recreate, gate: tuple[str, ...], monitor: float) -> tuple[Action, ...]:
    name = temporary_name(each.id, each.wanted)
    made = Substitute(
        key=each.key, service=each.service, name=name, id=each.id, number=each.number,
        wanted=each.wanted, inherit=each.inherit, donors=each.donors, after=(*each.after, *gate),
    )  # fmt: skip
    start = Start(key=f"start:{name}", service=each.service, name=name, after=(made.key,))
    arrived = Await(
        key=f"await:{name}", dependent="", service=each.service, condition="running_or_healthy",
        targets=(name,), names=(name,), monitor=monitor, after=(start.key,),
    )  # fmt: skip
    stop = Stop(key=f"stop-old:{each.id}", service=each.service, name=each.name, id=each.id,
                timeout=each.timeout, hooks=False, after=(arrived.key,))  # fmt: skip
    remove = Remove(key=f"remove-old:{each.id}", service=each.service, name=each.name, id=each.id,
                    after=(stop.key,))  # fmt: skip
    rename = Rename(key=f"rename:{name}", service=each.service, name=name, wanted=each.wanted,
                    after=(remove.key,))  # fmt: skip
    return made, start, arrived, stop, remove, rename


def temporary_name(container_id: str, wanted: str) -> str:
    """What a container is called until the one that it stands in for is gone."""
    return f"{container_id[:12]}_{wanted}"


def _last(each: Recreate, *, start_first: bool) -> str:
    if start_first:
        return f"rename:{temporary_name(each.id, each.wanted)}"
    return f"start:{each.wanted}"

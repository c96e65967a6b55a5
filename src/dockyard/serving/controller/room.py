"""What the machine has room for, by the kernel's figures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dockyard.containers.options import Resources
from dockyard.serving.controller import usage
from dockyard.serving.controller.model import Replica
from dockyard.serving.decide.placement import Machine, Need, allot
from dockyard.serving.records import Declared
from dockyard.serving.store import Key

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_KIB = 1 << 10
_ALIVE = frozenset({"starting", "ready"})


def grants(
    engine: Engine, declared: Sequence[Declared], present: Mapping[Key, Sequence[Replica]],
    wanted: Mapping[Key, int],
) -> dict[Key, tuple[int, str]]:  # fmt: skip
    """How many replicas each variant may have, and why not as many as it wants.

    The machine is asked only where something is to be started.
    """
    running = {key: sum(each.state in _ALIVE for each in present.get(key, ())) for key in wanted}
    if all(running[key] >= count for key, count in wanted.items()):
        return {key: (count, "") for key, count in wanted.items()}
    alive = {
        key: [each.id for each in present.get(key, ()) if each.state in _ALIVE] for key in wanted
    }
    used = usage.read(engine, (each for found in alive.values() for each in found))
    needs = []
    for each in declared:
        for variant in each.service.variants:
            key = (each.service.project, variant.name)
            resources = each.templates[variant.name].options.resources
            least = each.variant(variant.name).scale.min
            taken = [used[each].memory for each in alive[key] if each in used]
            needs.append(need(key, wanted[key], running[key], least, resources, taken))
    found = allot(machine(), needs)
    return {key: (found["/".join(key)].replicas, found["/".join(key)].why) for key in wanted}


def need(
    key: Key, wanted: int, running: int, least: int, resources: Resources, taken: Sequence[int]
) -> Need:
    """What a variant asks for, with what its replicas take.

    Args:
        taken: bytes of memory, of each replica that runs.
    """
    return Need(
        name="/".join(key),
        wanted=wanted,
        running=running,
        min=min(least, wanted),
        memory_limit=resources.memory or 0,
        memory_peak=max(taken, default=0),
        memory_used=sum(taken),
        cpus_limit=resources.cpus or 0.0,
    )


def machine() -> Machine:
    """This machine, as far as this process may use it."""
    figures: dict[str, int] = {}
    with open("/proc/meminfo", encoding="ascii") as stream:
        for line in stream:
            name, _, rest = line.partition(":")
            figures[name] = int(rest.split()[0]) * _KIB
    return Machine(
        memory_total=figures["MemTotal"],
        memory_available=figures.get("MemAvailable", figures["MemFree"]),
        cpus=float(len(os.sched_getaffinity(0))),
    )

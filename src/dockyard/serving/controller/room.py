"""What the machine has room for, by the kernel's figures."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dockyard.containers.options import Resources
from dockyard.serving.controller import usage
from dockyard.serving.controller.model import Replica
from dockyard.serving.decide.placement import Grant, Machine, Need, allot, possible
from dockyard.serving.records import Declared
from dockyard.serving.store import Key

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_KIB = 1 << 10
_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file"),
)  # fmt: skip
"""The control group above all, which in a container is the container's: v2, v1."""
_ALIVE = frozenset({"starting", "ready"})


def grants(
    engine: Engine, declared: Sequence[Declared], present: Mapping[Key, Sequence[Replica]],
    wanted: Mapping[Key, int], peaks: Mapping[Key, int],
) -> dict[Key, Grant]:  # fmt: skip
    """How many replicas each variant may have, and why not as many as it wants.

    What replicas take is asked only where something is to be started.

    Args:
        peaks: bytes of memory that a replica was seen to use, at most.
    """
    alive = {
        key: [each.id for each in present.get(key, ()) if each.state in _ALIVE] for key in wanted
    }
    host = machine()
    enough = all(len(alive[key]) >= count for key, count in wanted.items())
    used = {} if enough else usage.read(engine, (one for found in alive.values() for one in found))
    needs: dict[Key, Need] = {}
    for each in declared:
        for variant in each.service.variants:
            key = (each.service.project, variant.name)
            resources = each.templates[variant.name].options.resources
            least = each.variant(variant.name).scale.min
            taken = [used[each].memory for each in alive[key] if each in used]
            needs[key] = need(
                key, wanted[key], len(alive[key]), least, resources, taken, peaks.get(key, 0)
            )
    if enough:
        return {key: possible(host, one, wanted[key]) for key, one in needs.items()}
    found = allot(host, list(needs.values()))
    return {key: found["/".join(key)] for key in wanted}


def need(
    key: Key, wanted: int, running: int, least: int, resources: Resources, taken: Sequence[int],
    peak: int = 0,
) -> Need:  # fmt: skip
    """What a variant asks for, with what its replicas take.

    Args:
        taken: bytes of memory, of each replica that runs.
        peak: the most that one was seen to use, one that is gone too.
    """
    return Need(
        name="/".join(key),
        wanted=wanted,
        running=running,
        min=min(least, wanted),
        memory_limit=resources.memory or 0,
        memory_peak=max(peak, *taken, 0),
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
    total, available = figures["MemTotal"], figures.get("MemAvailable", figures["MemFree"])
    for group in _GROUPS:
        most, left = limited(*group)
        total, available = min(total, most), min(available, left)
    return Machine(
        memory_total=total,
        memory_available=available,
        cpus=float(len(os.sched_getaffinity(0))),
    )


def limited(directory: str, limit: str, use: str, cache: str) -> tuple[int, int]:
    """Bytes that a control group may take, and that it has left; a great many without a limit.

    Args:
        limit: name of the file that says the first.
        use: the same for what it has taken.
        cache: what ``memory.stat`` calls the part of that which the kernel would give up.
    """
    try:
        most = _number(f"{directory}/{limit}")
        used = _number(f"{directory}/{use}")
        with open(f"{directory}/memory.stat", encoding="ascii") as stream:
            kinds = dict(line.split() for line in stream)
    except OSError:
        return sys.maxsize, sys.maxsize
    return most, max(most - used + int(kinds.get(cache, 0)), 0)


def _number(path: str) -> int:
    with open(path, encoding="ascii") as stream:
        text = stream.read().strip()
    return int(text) if text.isdecimal() else sys.maxsize

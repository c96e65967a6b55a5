"""How services do, from all who count: gateway, activator, kernel, store."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from dockyard import decoding
from dockyard.compose import labels
from dockyard.containers.model import Container
from dockyard.errors import DockyardError
from dockyard.serving import consumption, unix_http
from dockyard.serving.activator.model import Figures as Held
from dockyard.serving.activator.model import Stats
from dockyard.serving.consumption import Consumption
from dockyard.serving.gateway.admin import Admin
from dockyard.serving.gateway.stats import Figures
from dockyard.serving.model import target_id
from dockyard.serving.places import Serving
from dockyard.serving.records import TEMPLATE
from dockyard.serving.store import Key, ServingStore
from dockyard.serving.verbs import Status

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_SECONDS = 2.0
_NANOSECONDS = 1e9


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant's replicas use, together."""

    cpu_ns: dict[str, int] = {}
    """Nanoseconds of processors since the start, by :func:`dockyard.serving.consumption.life`."""
    memory_bytes: int = 0


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """A variant, and what is counted of it."""

    status: Status
    gateway: Figures
    activator: Held
    usage: Usage
    cpu_seconds: float | None = None
    """Of processors that its replicas have used, those too that are gone: it never falls while the
    variant is declared. ``None`` where it can't be told now."""


def look(engine: Engine) -> tuple[Sight, ...]:
    """All variants as they do now; those who don't answer count nothing.

    What replicas have used of processors is written down, for when they are gone.
    """
    serving = Serving(engine.paths)
    passed: dict[str, Figures] = {}
    with contextlib.suppress(DockyardError):
        passed = Admin(serving.gateway.admin, timeout=_SECONDS).figures()
    held = stats(serving)
    used, present = _usage(engine)
    spent = _consumed(engine, used, present)
    found = []
    for each in engine.services.all():
        key = (each.service.project, each.variant.name)
        target = target_id(*key)
        found.append(
            Sight(
                status=each,
                gateway=passed.get(target, Figures()),
                activator=held.targets.get(target, Held()) if held else Held(),
                usage=used.get(key, Usage()),
                cpu_seconds=spent[key].cpu_ns / _NANOSECONDS if key in spent else None,
            )
        )
    return tuple(found)


def stats(serving: Serving) -> Stats | None:
    """The activator's figures; ``None`` where it doesn't answer."""
    answer = unix_http.get(serving.activator_admin, "/stats")
    try:
        return None if answer is None else decoding.from_json(answer, Stats)
    except msgspec.DecodeError:
        return None


def _usage(engine: Engine) -> tuple[dict[Key, Usage], set[str]]:
    """By variant; and the lives of all replicas, of those too that can't be asked now."""
    found: dict[Key, Usage] = {}
    present: set[str] = set()
    for container in engine.containers.all():
        if TEMPLATE not in container.labels or not container.running:
            continue
        key, life = variant_of(container), consumption.life(container)
        present.add(life)
        with contextlib.suppress(DockyardError, OSError):
            sample = engine.containers.stats(container)
            before = found.get(key, Usage())
            found[key] = Usage(
                cpu_ns={**before.cpu_ns, life: sample.cpu_ns},
                memory_bytes=before.memory_bytes + sample.memory_bytes,
            )
    return found, present


def variant_of(replica: Container) -> Key:
    """Project and variant of a replica."""
    return replica.labels.get(labels.PROJECT, ""), replica.labels.get(labels.SERVICE, "")


def _consumed(
    engine: Engine, used: Mapping[Key, Usage], present: set[str]
) -> Mapping[Key, Consumption]:
    """Empty where nothing can be written down: a sum that might fall later isn't told."""
    cpu = {key: one.cpu_ns for key, one in used.items()}
    with contextlib.suppress(DockyardError):
        return ServingStore(engine.database).consume(cpu, time.time(), present)
    return {}


def last_look(engine: Engine, container_id: str) -> None:
    """Writes down what a replica has used that is about to be removed."""
    with contextlib.suppress(DockyardError, OSError):
        replica = engine.containers.get(container_id)
        cpu_ns = engine.containers.stats(replica).cpu_ns
        used = {variant_of(replica): {consumption.life(replica): cpu_ns}}
        ServingStore(engine.database).consume(used, time.time())


def processors(before: Usage, after: Usage, seconds: float) -> float:
    """Processors that replicas used between two looks. Pure."""
    both = before.cpu_ns.keys() & after.cpu_ns.keys()
    used = sum(max(after.cpu_ns[one] - before.cpu_ns[one], 0) for one in both)
    return used / _NANOSECONDS / seconds if seconds > 0 else 0.0

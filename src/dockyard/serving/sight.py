"""How services do, from all who count: gateway, activator, kernel, store."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from dockyard import decoding
from dockyard.compose import labels
from dockyard.errors import DockyardError
from dockyard.serving import unix_http
from dockyard.serving.activator.model import Figures as Held
from dockyard.serving.activator.model import Stats
from dockyard.serving.gateway.admin import Admin
from dockyard.serving.gateway.stats import Figures
from dockyard.serving.model import target_id
from dockyard.serving.places import Serving
from dockyard.serving.records import TEMPLATE
from dockyard.serving.verbs import Status

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_SECONDS = 2.0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant's replicas use, together."""

    cpu_ns: dict[str, int] = {}
    """Nanoseconds of processors since the start, by container."""
    memory_bytes: int = 0


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """A variant, and what is counted of it."""

    status: Status
    gateway: Figures
    activator: Held
    usage: Usage


def look(engine: Engine) -> tuple[Sight, ...]:
    """All variants as they do now; those who don't answer count nothing."""
    serving = Serving(engine.paths)
    passed: dict[str, Figures] = {}
    with contextlib.suppress(DockyardError):
        passed = Admin(serving.gateway.admin, timeout=_SECONDS).figures()
    held = stats(serving)
    used = _usage(engine)
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


def _usage(engine: Engine) -> dict[tuple[str, str], Usage]:
    found: dict[tuple[str, str], Usage] = {}
    for container in engine.containers.all():
        if TEMPLATE not in container.labels or not container.running:
            continue
        key = (container.labels.get(labels.PROJECT, ""), container.labels.get(labels.SERVICE, ""))
        with contextlib.suppress(DockyardError, OSError):
            sample = engine.containers.stats(container)
            before = found.get(key, Usage())
            found[key] = Usage(
                cpu_ns={**before.cpu_ns, container.id: sample.cpu_ns},
                memory_bytes=before.memory_bytes + sample.memory_bytes,
            )
    return found


def processors(before: Usage, after: Usage, seconds: float) -> float:
    """Processors that replicas used between two looks. Pure."""
    both = before.cpu_ns.keys() & after.cpu_ns.keys()
    used = sum(max(after.cpu_ns[one] - before.cpu_ns[one], 0) for one in both)
    return used / 1e9 / seconds if seconds > 0 else 0.0

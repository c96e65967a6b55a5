"""Rows of ``services top``: what happened between two looks."""

from __future__ import annotations

from collections.abc import Mapping

from dockyard.cli.units import binary_size
from dockyard.serving import sight
from dockyard.serving.sight import Sight

TITLES = {
    "Variant": "VARIANT", "Status": "STATUS", "Replicas": "REPLICAS", "Share": "TRAFFIC",
    "Rate": "REQ/S", "Active": "ACTIVE", "Queue": "QUEUE", "Latency": "MEAN", "Errors": "5XX",
    "Cpu": "CPUS", "Memory": "MEMORY",
}  # fmt: skip
_ERRORS = "5"


def row(before: Sight | None, now: Sight, seconds: float) -> dict[str, str]:
    """A variant's values. Pure.

    Args:
        before: the look before, ``seconds`` ago; ``None`` where there was none.
    """
    old = before or now
    answered = sum(now.gateway.by_class.values()) - sum(old.gateway.by_class.values())
    timed = now.gateway.timed - old.gateway.timed  # Envoy adds up times later than it counts
    spent = now.gateway.time_sum - old.gateway.time_sum
    errors = now.gateway.by_class.get(_ERRORS, 0) - old.gateway.by_class.get(_ERRORS, 0)
    standing = now.status.standing
    return {
        "Variant": f"{now.status.service.project}/{now.status.variant.name}",
        "Status": standing.condition,
        "Replicas": f"{standing.ready}/{standing.wanted}",
        "Share": "shadow" if now.status.variant.shadow else f"{now.status.share:.4g}%",
        "Rate": f"{max(answered, 0) / seconds:.1f}",
        "Active": str(now.gateway.load),
        "Queue": str(now.activator.waiting),
        "Latency": f"{spent / timed:.1f}ms" if timed > 0 else "-",
        "Errors": str(max(errors, 0)),
        "Cpu": f"{sight.processors(old.usage, now.usage, seconds):.2f}",
        "Memory": binary_size(now.usage.memory_bytes),
    }


def by_target(sights: tuple[Sight, ...]) -> Mapping[tuple[str, str], Sight]:
    """Looks by project and variant."""
    return {(one.status.service.project, one.status.variant.name): one for one in sights}

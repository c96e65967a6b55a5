"""A variant's load, from what gateway, activator and kernel count. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from dockyard.serving.activator.model import Figures
from dockyard.serving.controller.ports import Load
from dockyard.serving.decide.model import Sample
from dockyard.serving.model import Metric


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Counters at a moment, by which rates are told."""

    at: float = 0.0
    """Seconds since 1970; 0 for never."""
    total: int = 0
    """Requests that ever came."""
    by_gateway: bool = True
    """Who counted them; the activator counts others."""
    cpu: dict[str, int] = {}
    """Nanoseconds of processors, by replica."""


LEAST: Final = 0.5
"""Seconds over which a rate means something: the controller may look far more often."""


def sample(
    metric: Metric, before: Seen, now: Seen, load: Load | None, held: Figures | None,
    last: float = 0.0,
) -> Sample | None:  # fmt: skip
    """What is seen of a variant now; ``None`` where neither the gateway nor the activator tells.

    Args:
        load: of the gateway, which counts what is at the activator as well.
        held: of the activator.
        last: the load of the sample before, which holds where too little time has passed for a
            rate.
    """
    if load is None and held is None:
        return None
    waiting = held.waiting if held is not None else 0
    there = waiting + held.active if held is not None else 0
    requests = max(load.active if load is not None else 0, there)
    passed = now.at - before.at if before.at else 0.0
    alike = before.at > 0 and before.by_gateway == now.by_gateway
    came = max(now.total - before.total, 0) if alike else 0
    untold = passed < LEAST or (metric == "rps" and not alike)
    if metric in {"rps", "cpu"} and untold:
        return Sample(at=now.at, load=last if before.at else 0.0, requests=requests, came=came)
    loads: dict[Metric, float] = {
        "concurrency": requests,
        "rps": came / passed if passed > 0 else 0.0,
        "cpu": _processors(before, now, passed),
        "queue": waiting,
    }
    return Sample(at=now.at, load=loads[metric], requests=requests, came=came)


def _processors(before: Seen, now: Seen, passed: float) -> float:
    """Of replicas that were there before as well."""
    used = sum(max(now.cpu[one] - before.cpu[one], 0) for one in now.cpu.keys() & before.cpu.keys())
    return used / 1e9 / passed if passed > 0 else 0.0

"""What a variant's replicas have used of processors in all, those too that are gone.

It never falls while the variant is declared, whoever is killed: it is in the store, and each life
of a replica counts with the most that was ever seen of it. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from dockyard.containers.model import Container

_SETTLED_SECONDS: Final = 60.0
"""So long after it was last seen nobody is left who looked before and writes it down late."""


class Life(msgspec.Struct, frozen=True):
    """Of a replica, from a start to its end."""

    cpu_ns: int
    """Nanoseconds of processors, as they were seen last."""
    seen: float
    """When that was, in seconds since 1970."""


class Consumption(msgspec.Struct, frozen=True, kw_only=True):
    """Of one variant."""

    gone_ns: int = 0
    """Of lives that are over and no more remembered one by one."""
    lives: dict[str, Life] = {}

    @property
    def cpu_ns(self) -> int:
        """Nanoseconds of processors of all replicas that there ever were."""
        return self.gone_ns + sum(one.cpu_ns for one in self.lives.values())


def seen(before: Consumption, used: Mapping[str, int], now: float) -> Consumption:
    """After a look at some of its replicas, perhaps one that others have overtaken.

    Args:
        used: nanoseconds by life.
    """
    lives = dict(before.lives)
    for name, cpu_ns in used.items():
        known = lives.get(name, Life(0, now))
        lives[name] = Life(max(known.cpu_ns, cpu_ns), max(known.seen, now))
    return replace(before, lives=lives)


def settled(before: Consumption, present: Collection[str], now: float) -> Consumption:
    """The same sum, where lives that have been over for a while are one number.

    Args:
        present: all lives that go on.
    """
    over = {
        name
        for name, one in before.lives.items()
        if name not in present and now - one.seen > _SETTLED_SECONDS
    }
    return Consumption(
        gone_ns=before.gone_ns + sum(before.lives[name].cpu_ns for name in over),
        lives={name: one for name, one in before.lives.items() if name not in over},
    )


def life(container: Container) -> str:
    """The name of a life: who is restarted counts from nothing again."""
    start = container.process.start if container.process is not None else 0
    return f"{container.id}:{start}"

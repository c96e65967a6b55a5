"""When the controller looks again, and when it ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.controller.model import NANOSECONDS, Heartbeat, Outlook

BEAT = 10 * NANOSECONDS
"""A controller tells at least that often that it lives."""
STALE = 3 * BEAT
"""What hasn't told so for that long doesn't supervise anything: it hangs, or is stopped."""
GRACE = 2 * NANOSECONDS
"""How long it stays without anything to do, in case that a container comes back."""


def watched(outlooks: Iterable[Outlook]) -> int:
    """Number of objects that are supervised."""
    return sum(outlook.watched for outlook in outlooks)


def pause(outlooks: Iterable[Outlook], now: int, ends: int | None) -> float:
    """Seconds until something is due, or the next beat.

    Args:
        now: nanoseconds since 1970, as in outlooks.
        ends: when the grace is over, where nothing is supervised.
    """
    moments = [outlook.due for outlook in outlooks if outlook.due is not None]
    moments += [] if ends is None else [ends]
    first = min((max(moment - now, 0) for moment in moments), default=BEAT)
    return min(first, BEAT) / NANOSECONDS


def end_of_grace(idle_since: int | None, *, containers: bool, standing: bool) -> int | None:
    """The moment at which a controller ends, in nanoseconds since 1970.

    Args:
        idle_since: when it last had something to supervise; ``None`` while it has.
        containers: the root has containers; without, nothing can come back.
        standing: it is a service and stays.
    """
    if idle_since is None or standing:
        return None
    return idle_since + (GRACE if containers else 0)


def fresh(heartbeat: Heartbeat, monotonic: int) -> bool:
    """True where a controller told lately that it lives."""
    return monotonic - heartbeat.beat < STALE

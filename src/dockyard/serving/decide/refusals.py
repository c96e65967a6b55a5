"""What a service says of its queue: how many wait, and who was refused lately. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

SHOWN = 60.0
"""Seconds for which a refusal is told."""
_BUCKET = 5.0
"""Seconds; refusals that are nearer to each other are kept as one number."""


class Refused(msgspec.Struct, frozen=True):
    """Requests that found the queue full."""

    at: float
    """Seconds since 1970, of the first."""
    count: int


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """Those of the last minute, and the counter that they were read from."""

    counter: int = 0
    lately: tuple[Refused, ...] = ()

    @property
    def count(self) -> int:
        """How many requests were refused in the last minute."""
        return sum(each.count for each in self.lately)


def counted(before: Refusals, counter: int, now: float) -> Refusals:
    """What is known after one more look.

    Args:
        counter: refusals since the activator began; less than before is another activator's.
    """
    grown = counter - before.counter if counter >= before.counter else counter
    lately = passed(before, now).lately
    if grown and lately and now - lately[-1].at < _BUCKET:
        lately = (*lately[:-1], replace(lately[-1], count=lately[-1].count + grown))
    elif grown:
        lately = (*lately, Refused(now, grown))
    return Refusals(counter=counter, lately=lately)


def passed(before: Refusals, now: float) -> Refusals:
    """What is left of it now. A clock that was set back leaves nothing of its future."""
    lately = tuple(each for each in before.lately if 0 <= now - each.at < SHOWN)
    return before if lately == before.lately else replace(before, lately=lately)


def reason(refusals: Refusals, waiting: int, most: int) -> str:
    """In one line, while the queue is full and for a minute after; else nothing.

    Args:
        waiting: requests that wait now.
        most: requests that may.
    """
    count = refusals.count
    told = f"{count} refused in the last minute" if count else ""
    if waiting >= most > 0:
        return ", ".join(filter(None, (f"queue full: {waiting} wait", told)))
    return f"queue was full: {told}" if told else ""

"""What a rollout counts of a variant's requests, from the lines of the gateway's log. Pure.

docs/rollouts.md says it for users.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.serving.activator.answers import STARTED
from dockyard.serving.decide.model import Traffic
from dockyard.serving.gateway.access_log import Request

BOUNDS: Final = (
    1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000,
    7500, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
)  # fmt: skip
"""Milliseconds."""
_FAULTS: Final = frozenset({"start-failed", "replica-gone", "bad-response", "timeout"})
"""Answers of the activator that are the variant's failures; a full queue isn't one."""
_LOCAL: Final = 503
"""The gateway's answer where the other side was gone before its own."""
_MOMENT: Final = 0.01
"""Seconds after a replica's end in which a connection to it may still be taken for one."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How requests reach a variant."""

    always_held: bool = False
    """By the activator, all of them: its answers say how the variant does. Else it has only those
    that wait for a start, or that a replica didn't answer."""
    idempotent: bool = False
    """What breaks is tried again elsewhere, and no client sees it."""


class Tally:
    """One variant's requests since a moment.

    Args:
        since: seconds since 1970; requests that began before don't count.
    """

    def __init__(self, since: float, manner: Manner) -> None:
        self._since = since
        self._manner = manner
        self._requests = self._errors = 0
        self._times = [0] * (len(BOUNDS) + 1)
        self._silent: dict[str, float] = {}
        """When a connection broke, by replica; those of which nothing was heard since."""

    def take(self, lines: Iterable[Request]) -> None:
        """Counts the variant's lines, in their order."""
        for one in lines:
            counts = one.upstream is not None and float(one.at) >= self._since
            if one.try_of is not None:
                lost = self._is_hidden(one) and self._is_first(one)
                self._add(failed=True, counts=counts and lost)
                continue
            if not one.held and not one.broken:
                self._silent.pop(one.upstream or "", None)
            timed = not one.held or self._is_variants(one)
            failed = self._is_fault(one) if one.held else one.failed
            self._add(failed=failed, counts=counts and (timed or failed))
            if counts and timed:
                self._time(one)

    def traffic(self) -> Traffic:
        """What was counted."""
        bounds = (*map(float, BOUNDS), float("inf"))
        counts = dict(zip(bounds, accumulate(self._times), strict=True))
        return Traffic(requests=self._requests, errors=self._errors, latencies=counts)

    def _add(self, *, failed: bool, counts: bool) -> None:
        self._requests += counts
        self._errors += counts and failed

    def _time(self, one: Request) -> None:
        queued = (decoding.natural(one.waited or "") or 0) if one.held else 0
        spent = max((one.duration or 0.0) - queued, 0.0)
        self._times[bisect_left(BOUNDS, spent)] += 1

    def _is_variants(self, one: Request) -> bool:
        """Whether a replica did what came by the activator, and began with it at once."""
        gone = one.status == _LOCAL and one.broken  # the activator itself
        return self._manner.always_held and not one.error and one.waited != STARTED and not gone

    def _is_fault(self, one: Request) -> bool:
        if one.error is None:
            return self._is_variants(one) and one.failed
        late = one.error == "timeout" and one.waited == STARTED
        return one.error in _FAULTS and not late

    def _is_hidden(self, one: Request) -> bool:
        """Whether a try broke of which the client saw nothing; else its own line tells."""
        return not one.held and (self._manner.idempotent or _found_nobody(one))

    def _is_first(self, one: Request) -> bool:
        """A replica that goes takes along all that it has: that is one failure, not as many as it
        had requests. One that answers in between has failed anew, and one that takes another
        connection and breaks that."""
        upstream, began = one.upstream or "", float(one.at)
        known = self._silent.get(upstream)
        first = known is None or (began > known + _MOMENT and not _found_nobody(one))
        if first:
            self._silent[upstream] = began + (one.duration or 0.0) / 1000
        return first


def _found_nobody(one: Request) -> bool:
    """It got no connection."""
    return "UF" in (one.flags or "").split(",")

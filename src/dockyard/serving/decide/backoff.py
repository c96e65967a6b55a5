"""When a replica that failed is tried again, and when a variant counts as failed. Pure.

The first failure is made good at once: most often it is one of a kind. The waits after that double
from a second to a minute, and begin anew once a replica has been ready for 10 seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
STABLE_RUN = 10.0
"""Seconds that a replica was ready for, after which its end is the first failure again."""
QUIET = 2 * LONGEST_WAIT
"""Seconds without a failure, beside a ready replica, after which those before are forgotten."""
TOLD_AFTER = 3
"""Failures in a row after which those who wait are told, where replicas end by themselves."""
FORGOTTEN = 300.0
"""Seconds without a further failure after which a request waits for another try again."""
_DOUBLINGS = 16


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas of a variant that failed one after another. Times are seconds since 1970."""

    count: int = 0
    at: float = 0.0
    """When the last one did."""
    reason: str = ""
    """One line: how it ended, or why it could not be made."""
    hopeless: bool = False
    """The next try can't succeed unless somebody changes something: a missing image, a bad
    option."""
    late: bool = False
    """One of them had its whole time to become ready: who waits has waited long enough."""


def failed(
    before: Failures, reason: str, now: float, *, ran: float = 0.0, hopeless: bool = False,
    late: bool = False,
) -> Failures:  # fmt: skip
    """The record after one more failure.

    Args:
        ran: seconds that the replica had been ready for; 0 for one that never was.
        late: it wasn't ready by its deadline.
    """
    anew = ran >= STABLE_RUN
    return Failures(
        count=1 if anew else before.count + 1,
        at=now,
        reason=reason,
        hopeless=hopeless,
        late=late or (before.late and not anew),
    )


def settled(before: Failures, ready_for: float, now: float) -> Failures:
    """The record while a replica has been ready for so many seconds: in the end, a clean one.

    Not while another one fails: one that has been ready for hours says nothing of those that are
    made now, which would be made without a pause.
    """
    quiet = abs(now - before.at) >= QUIET
    return Failures() if ready_for >= STABLE_RUN and quiet else before


def wait(failures: Failures, now: float) -> float:
    """Seconds until a replica may be started again; 0 for now.

    A clock that was set back makes nobody wait longer than the whole wait.
    """
    if failures.count == 0 or (failures.count == 1 and not failures.hopeless):
        return 0.0
    doublings = min(max(failures.count - 2, 0), _DOUBLINGS)
    whole = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
    return min(max(failures.at + whole - now, 0.0), whole)


def is_told(failures: Failures) -> bool:
    """True where there is no sense in waiting for the next try without saying so."""
    return failures.hopeless or failures.late or failures.count >= TOLD_AFTER


def condition(
    failures: Failures, ready: int, now: float
) -> Literal["starting", "serving", "failed"]:
    """What is told of a variant: one ready replica is enough to serve.

    ``failed`` has the activator answer what waits at once, and what comes until a replica is ready.
    """
    if ready > 0:
        return "serving"
    return "failed" if is_told(failures) and abs(now - failures.at) < FORGOTTEN else "starting"

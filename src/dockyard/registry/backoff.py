"""When to try again, and when not to. Pure, but for the dice.

A server that is overloaded says when it wants to be asked again; others are asked after a time
that doubles, and of which a random part is waited, so that a hundred clients that lost the same
server don't come back at once.
"""

from __future__ import annotations

import email.utils
import random
from collections.abc import Callable
from typing import Final

from dockyard.decoding import natural

MAX_TRIES: Final = 5
_FIRST: Final = 0.5
_LONGEST: Final = 20.0
MAX_WAIT: Final = 60.0
"""Seconds. A server that wants more is not waited for: the user is told."""

_RETRYABLE: Final = frozenset({408, 425, 429})
_FINAL: Final = frozenset({501, 507})
"""Not implemented, and full: the next try is in vain as well."""


def is_retryable(status: int) -> bool:
    """True for an answer that may be another one next time."""
    return status in _RETRYABLE or (500 <= status <= 599 and status not in _FINAL)


def delay(
    failures: int, asked: float | None = None, dice: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait after a number of failures; ``None`` where it is not to be tried again.

    Args:
        asked: the seconds that the server asked for.
    """
    if failures >= MAX_TRIES:
        return None
    longest = min(_LONGEST, _FIRST * 2.0 ** (failures - 1))
    own = longest * (0.5 + dice() / 2)
    if asked is None:
        return own
    return max(asked, own) if asked <= MAX_WAIT else None


def asked_for(retry_after: str, now: float) -> float | None:
    """Seconds that a ``Retry-After`` means: a number, or a date. ``None`` where it means nothing.

    Args:
        now: seconds since 1970.
    """
    text = retry_after.strip()
    seconds = natural(text)
    if seconds is not None:
        return float(seconds)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None

"""Which of many like events are written down one by one: the first in each minute, or a few.

Else who goes on guessing after he was told to wait, pulls the same thing over and over, or asks for
what he may not have, would fill the audit log, and what is worth reading would be rotated away. The
others are counted. Bounded in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from dockyard.registry.access.throttle import site_of

K = TypeVar("K", bound=Hashable)

_SECONDS: Final = 60.0
_MOST: Final = 1024
"""Keys; of the oldest the count is given out early."""


class Counts(Generic[K]):
    """Counts what isn't written, by what it has in common. Safe between threads."""

    def __init__(self, most: int | None = None, lines: int = 1) -> None:
        """``most`` keys are known at a time, and of each so many ``lines`` a minute are written."""
        self._guard = threading.Lock()
        self._lines = lines
        self._most = _MOST if most is None else most
        self._counts: OrderedDict[K, tuple[int, float]] = OrderedDict()
        """The first one first: how many were not written, and since when."""

    def is_first(self, key: K, now: float) -> bool:
        """True where this one is to be written; ask :meth:`ended` before."""
        with self._guard:
            count, since = self._counts.get(key, (-self._lines, now))
            self._counts[key] = (count + 1, since)
            return count < 0

    def ended(self, now: float) -> list[tuple[K, int]]:
        """Those whose minute is over, each with how many were not written; told once."""
        found = []
        with self._guard:
            while self._counts:
                key, (count, since) = next(iter(self._counts.items()))
                if len(self._counts) < self._most and 0 <= now - since < _SECONDS:
                    break
                del self._counts[key]
                if count > 0:
                    found.append((key, count))
        return found


class Repeats(Counts[str]):
    """The same by addresses, of which those count as one that one attacker has."""

    def is_first(self, key: str, now: float) -> bool:
        """True where what comes from this address is to be written; see :class:`Counts`."""
        return super().is_first(site_of(key), now)

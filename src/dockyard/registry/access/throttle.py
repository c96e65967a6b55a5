"""How long who gave wrong passwords has to wait. Pure, but for the clock; bounded in memory.

Failures count for a pair of name and address, so that nobody can lock out somebody else: who
tries ``anna``'s password from elsewhere slows down himself alone. An address that tries many names
waits for all those under which nobody has logged in from there before.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

_FREE: Final = 4
"""So many failures of a pair cost nothing: fingers slip."""
_FREE_ADDRESS: Final = 20
_LONGEST: Final = 60.0
"""Seconds."""
_FORGET: Final = 900.0
"""Seconds after which a failure no longer counts."""
_MOST: Final = 8192
"""Entries of each kind; the oldest are forgotten first."""
_V6_SITE: Final = 64
"""Bits of an IPv6 address that one host's owner can't choose."""


class Throttle:
    """Counts failures. Safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._pairs: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._addresses: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._good: OrderedDict[Hashable, float] = OrderedDict()

    def wait(self, name: str, address: str) -> float:
        """Seconds until he may try again; 0: now."""
        site = site_of(address)
        pair = (name[:256], site)
        with self._guard:
            wait = self._left(self._pairs.get(pair), _FREE)
            if pair not in self._good:
                wait = max(wait, self._left(self._addresses.get(site), _FREE_ADDRESS))
            return wait

    def failed(self, name: str, address: str) -> None:
        """A password was wrong."""
        site = site_of(address)
        with self._guard:
            self._count(self._pairs, (name[:256], site))
            self._count(self._addresses, site)

    def succeeded(self, name: str, address: str) -> None:
        """A password was right: what this name got wrong from there is forgotten."""
        site = site_of(address)
        pair = (name[:256], site)
        with self._guard:
            self._pairs.pop(pair, None)
            self._good[pair] = self._clock()
            self._good.move_to_end(pair)
            _bound(self._good)

    def _count(self, table: OrderedDict[Hashable, tuple[int, float]], key: Hashable) -> None:
        failures, last = table.get(key, (0, 0.0))
        now = self._clock()
        if now - last > _FORGET:
            failures = 0
        table[key] = (failures + 1, now)
        table.move_to_end(key)
        _bound(table)

    def _left(self, found: tuple[int, float] | None, free: int) -> float:
        if found is None or found[0] <= free:
            return 0.0
        failures, last = found
        pause = min(2.0 ** min(failures - free - 1, 10), _LONGEST)
        return max(0.0, last + pause - self._clock())


def _bound(table: OrderedDict[Hashable, object] | OrderedDict[Hashable, float]
           | OrderedDict[Hashable, tuple[int, float]]) -> None:  # fmt: skip
    while len(table) > _MOST:
        table.popitem(last=False)


def site_of(address: str) -> str:
    """What one attacker has many of counts as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), _V6_SITE), strict=False))
    return str(found)

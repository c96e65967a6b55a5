"""Memory for documents that come in and go out: so much for all, and a part of it for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

from dockyard.registry.server import problems


class Budget:
    """Bytes that may be held at once. For the event loop's thread."""

    def __init__(self, most: int, each: int) -> None:
        """``most`` is for all clients together, ``each`` for one of them."""
        self._most = most
        self._each = each
        self._taken: Counter[str] = Counter()
        self._total = 0
        self._freed = asyncio.Event()

    @contextlib.contextmanager
    def share(self, who: str) -> Iterator[Share]:
        """What one request of a client takes; given back at the end of the block."""
        share = Share(self, who)
        try:
            yield share
        finally:
            self._give_back(who, share.size)

    def take(self, who: str, size: int) -> bool:
        """True where there was room, which is then taken."""
        if self._total + size > self._most or self._taken[who] + size > self._each:
            return False
        self._taken[who] += size
        self._total += size
        return True

    async def changed(self) -> None:
        """Waits until somebody has given something back."""
        await self._freed.wait()

    def _give_back(self, who: str, size: int) -> None:
        self._taken[who] -= size
        if self._taken[who] <= 0:
            del self._taken[who]
        self._total -= size
        if size:
            self._freed.set()
            self._freed = asyncio.Event()


class Share:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget, who: str) -> None:
        self.size = 0
        self._budget = budget
        self._who = who

    def take(self, size: int) -> None:
        """Holds so many bytes more.

        Raises:
            problems.Refused: this client holds too many already, or all together do.
        """
        if not self._budget.take(self._who, size):
            raise problems.too_many("too many documents are under way")
        self.size += size

    async def wait(self, size: int, seconds: float) -> None:
        """The same, when there is room.

        Raises:
            problems.Refused: there was none for so long.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._budget.take(self._who, size):
                    await self._budget.changed()
        except TimeoutError:
            raise problems.too_many("too many documents are under way") from None
        self.size += size

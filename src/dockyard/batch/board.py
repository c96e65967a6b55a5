"""Which shard is whose: handed out to workers, put off while nothing is known of the program."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from dockyard.batch.journal import Journal
from dockyard.batch.model import Counts, Shard

_MOST_DEFERRED = 3


class Board:
    """The shards of a batch, for workers in several threads.

    A shard that was given up before anything was ever answered is put off: its records may be the
    worst of all, or the program is broken. Once another shard was answered it is tried again; after
    three such shards, or when no other is left, it is the program.
    """

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._changed = threading.Condition()
        self._known = {each.number: each for each in shards}
        self._pending = deque(each for each in self._known.values() if each.state != "done")
        self._deferred: list[Shard] = []
        self._working: dict[int, Journal | None] = {}
        self._closed = False
        self.settled = sum(
            (each.counts for each in self._known.values() if each.state == "done"), Counts()
        )
        """Of shards that are done."""

    @property
    def shards(self) -> tuple[Shard, ...]:
        """All of them, as they are now."""
        with self._changed:
            return tuple(self._known.values())

    @property
    def working(self) -> int:
        return len(self._working)

    @property
    def counts(self) -> Counts:
        """Records that have an outcome by now, committed or not."""
        with self._changed:
            open_ones = [each for each in self._working.values() if each is not None]
            return sum((each.counts for each in open_ones), self.settled)

    @property
    def answered(self) -> bool:
        return self.counts.settled > 0

    @property
    def hopeless(self) -> bool:
        """Nothing was ever answered, and enough was tried."""
        with self._changed:
            over = not self._pending and not self._working
            return bool(self._deferred) and (over or len(self._deferred) >= _MOST_DEFERRED)

    def take(self) -> Shard | None:
        """The next shard; waits where one may still come, ``None`` where none will."""
        with self._changed:
            while not self._closed:
                if self._deferred and self.answered:
                    self._pending.extend(self._deferred)
                    self._deferred.clear()
                if self._pending and len(self._deferred) < _MOST_DEFERRED:
                    shard = self._pending.popleft()
                    self._working[shard.number] = None
                    return shard
                if not self._working:
                    break
                self._changed.wait()
            return None

    def opened(self, shard: Shard, journal: Journal) -> None:
        """A shard's outcomes so far, which count from now on."""
        with self._changed:
            self._working[shard.number] = journal

    def defer(self, shard: Shard) -> None:
        """Puts a shard off; see above."""
        with self._changed:
            self._deferred.append(shard)
            self._leave(shard)

    def settle(self, shard: Shard) -> None:
        """A shard is done, failed, or left as it is."""
        with self._changed:
            if shard.state == "done":
                self.settled += shard.counts
            self._leave(shard)

    def close(self) -> None:
        """Hands out no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _leave(self, shard: Shard) -> None:
        self._known[shard.number] = shard
        self._working.pop(shard.number, None)
        self._changed.notify_all()

"""Which request goes to which replica: first come, first served, to the least loaded one.

A state machine without clock and I/O. Requests are numbers that grow in the order of arrival. After
each change the caller asks :meth:`Dispatch.grant` until it has nothing more to give, so nobody
waits while a replica has room.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec

from dockyard.serving.gateway.model import Backend


class Grant(msgspec.Struct, frozen=True):
    """A request that waited has a replica now."""

    number: int
    backend: Backend


class _Replica(msgspec.Struct):
    load: int = 0
    """Requests that it works on."""
    ready: bool = False
    trusted: bool = False
    """The controller said that it is ready, or about to be."""
    listed: bool = True
    """It gets new requests; others only finish what they have."""
    used: int = 0
    """When it got its last request, in requests: equals take turns."""


class Dispatch:
    """The requests and replicas of one variant.

    Args:
        concurrency: requests at a time for each replica; 0 for no limit.
        bound: requests that may wait.
    """

    def __init__(self, concurrency: int = 0, bound: int = 0) -> None:
        self.concurrency = concurrency
        self.bound = bound
        self._replicas: dict[Backend, _Replica] = {}
        self._waiting: set[int] = set()
        self._order: list[int] = []
        """A heap of what waits, and of some that don't any more."""
        self._clock = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def active(self) -> int:
        return sum(replica.load for replica in self._replicas.values())

    @property
    def available(self) -> bool:
        """There is a replica that is ready, perhaps at its limit."""
        return any(replica.ready and replica.listed for replica in self._replicas.values())

    def unready(self) -> list[Backend]:
        """Replicas that are to be probed."""
        return [
            backend
            for backend, replica in self._replicas.items()
            if replica.listed and not replica.ready
        ]

    def lists(self, backend: Backend) -> bool:
        """Whether a replica gets requests now, or once it is ready."""
        replica = self._replicas.get(backend)
        return replica is not None and replica.listed

    def load(self, backend: Backend) -> int:
        """Requests that a replica works on."""
        replica = self._replicas.get(backend)
        return 0 if replica is None else replica.load

    def list(self, backends: Iterable[Backend], probing: Iterable[Backend]) -> None:
        """Sets what replicas there are. Others finish what they have.

        One that comes among ``backends`` counts as ready until it fails; one among ``probing``, or
        one that failed, once :meth:`mark` says so.
        """
        trusted = set(backends)
        listed = trusted | set(probing)
        for backend in listed:
            self._list(backend, trusted=backend in trusted)
        for backend in self._replicas.keys() - listed:
            self._replicas[backend].listed = False
            self._forget_idle(backend)

    def mark(self, backend: Backend, *, ready: bool) -> None:
        """Notes that a replica answered, or failed to."""
        replica = self._replicas.get(backend)
        if replica is not None:
            replica.ready = ready

    def take(self) -> Backend | None:
        """A replica for a request that just came, or ``None`` where it has to wait its turn."""
        return None if self._waiting else self._choose()

    def wait(self, number: int) -> bool:
        """Has a request wait; False where already so many do."""
        if len(self._waiting) >= self.bound:
            return False
        self.wait_again(number)
        return True

    def wait_again(self, number: int) -> None:
        """As :meth:`wait`, for one whose replica failed: it keeps its place, however many wait."""
        self._waiting.add(number)
        heapq.heappush(self._order, number)

    def leave(self, number: int) -> None:
        """A request waits no longer."""
        self._waiting.discard(number)
        if len(self._order) > 2 * len(self._waiting) + 64:
            self._order = sorted(self._waiting)

    def grant(self) -> Grant | None:
        """The next request that needn't wait any more, and its replica from now on."""
        if not self._waiting:
            return None
        backend = self._choose()
        if backend is None:
            return None
        while (number := heapq.heappop(self._order)) not in self._waiting:
            pass
        self._waiting.remove(number)
        return Grant(number, backend)

    def release(self, backend: Backend) -> None:
        """A replica has one request less."""
        replica = self._replicas[backend]
        replica.load -= 1
        self._forget_idle(backend)

    def _list(self, backend: Backend, *, trusted: bool) -> None:
        replica = self._replicas.setdefault(backend, _Replica(listed=False))
        if not replica.listed:
            replica.ready = trusted
        elif replica.trusted != trusted:
            # what the controller takes for ready now was ready before it, or failed since; what it
            # doubts now has to answer again
            replica.ready = replica.ready and trusted
        replica.trusted = trusted
        replica.listed = True

    def _forget_idle(self, backend: Backend) -> None:
        replica = self._replicas[backend]
        if not replica.listed and not replica.load:
            del self._replicas[backend]

    def _choose(self) -> Backend | None:
        best: Backend | None = None
        least: tuple[int, int] | None = None
        for backend, replica in self._replicas.items():
            if not replica.ready or not replica.listed:
                continue
            if self.concurrency and replica.load >= self.concurrency:
                continue
            rank = (replica.load, replica.used)
            if least is None or rank < least:
                best, least = backend, rank
        if best is not None:
            self._clock += 1
            chosen = self._replicas[best]
            chosen.load += 1
            chosen.used = self._clock
        return best

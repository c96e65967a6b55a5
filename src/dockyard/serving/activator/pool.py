"""Connections to replicas, used again while they are fresh."""

from __future__ import annotations

import asyncio
import functools
from collections import deque

import msgspec

from dockyard.serving.activator.wire import Wire
from dockyard.serving.gateway.model import Backend

_TRIES = (0.1, 0.2, 0.4, 0.8)
"""Seconds. A port whose queue is full loses what comes, and the kernel tries again only after a
whole second; what is near answers within a millisecond, or not at all."""
_AT_ONCE = 8
"""Connections that are being made to one replica: one that just began takes a burst badly."""


class Dropped(ConnectionError):
    """Nothing more is wanted of this replica; it was not asked."""


class _Idle(msgspec.Struct, eq=False):
    wire: Wire
    since: float


class _Place(msgspec.Struct, eq=False):
    """What there is of one replica."""

    idle: list[_Idle] = []
    connecting: int = 0
    wanting: deque[asyncio.Future[Wire | None]] = msgspec.field(default_factory=deque)
    """Who waits for a connection, used or new; ``None`` tells the first to make one."""

    def pass_on(self, wire: Wire | None) -> bool:
        """Gives the first who waits a connection, or leave to make one; False where nobody does."""
        while self.wanting:
            future = self.wanting.popleft()
            if not future.done():
                future.set_result(wire)
                return True
        return False


async def connect(backend: Backend) -> Wire:
    """A new connection to a replica.

    Raises:
        OSError: it takes none, also within some time (``TimeoutError``).
    """
    loop = asyncio.get_running_loop()
    for seconds in _TRIES:
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(Wire, backend.address, backend.port)
            return wire
        except TimeoutError:
            continue
    raise TimeoutError(f"{backend.address}:{backend.port} takes no connection")


class Pool:
    """Connections by replica."""

    def __init__(self) -> None:
        self._places: dict[Backend, _Place] = {}

    def take(self, backend: Backend, most_idle: float) -> Wire | None:
        """A connection on which nothing happened since it was given, the one used last.

        Args:
            most_idle: seconds; the replica may close older ones at any moment.
        """
        place = self._places.get(backend)
        if place is None:
            return None
        oldest = asyncio.get_running_loop().time() - most_idle
        while place.idle:
            found = place.idle.pop()
            if found.since >= oldest and found.wire.quiet():
                return found.wire
            found.wire.abort()
        return None

    async def connect(self, backend: Backend) -> Wire:
        """A new connection, or the first that is given, whichever comes first.

        Raises:
            OSError: the replica takes none.
            Dropped: see :meth:`drop`.
        """
        place = self._places.setdefault(backend, _Place())
        if place.connecting >= _AT_ONCE:
            wire = await self._wait(backend, place)
            if wire is not None and wire.quiet():
                return wire
            if wire is not None:
                wire.abort()  # the replica closed it after its last answer
        place.connecting += 1
        try:
            return await connect(backend)
        finally:
            place.connecting -= 1
            place.pass_on(None)

    def give(self, backend: Backend, wire: Wire) -> None:
        """Keeps a connection for the next request."""
        place = self._places.setdefault(backend, _Place())
        if place.pass_on(wire):
            return
        entry = _Idle(wire, asyncio.get_running_loop().time())
        place.idle.append(entry)
        wire.notify = functools.partial(self._discard, place, entry)

    def sweep(self, most_idle: float) -> None:
        """Closes connections that weren't used for so many seconds."""
        oldest = asyncio.get_running_loop().time() - most_idle
        for place in self._places.values():
            for entry in [one for one in place.idle if one.since < oldest]:
                self._discard(place, entry)

    def drop(self, backend: Backend) -> None:
        """Closes a replica's idle ones; who waits for one waits in vain."""
        place = self._places.pop(backend, None)
        if place is None:
            return
        for entry in place.idle:
            entry.wire.close()
        for future in place.wanting:
            if not future.done():
                future.set_exception(Dropped())

    def keep(self, backends: frozenset[Backend]) -> None:
        """Drops all other replicas."""
        for backend in self._places.keys() - backends:
            self.drop(backend)

    async def _wait(self, backend: Backend, place: _Place) -> Wire | None:
        future: asyncio.Future[Wire | None] = asyncio.get_running_loop().create_future()
        place.wanting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and not future.exception():
                wire = future.result()
                if wire is None:
                    place.pass_on(None)
                else:
                    self.give(backend, wire)
            raise

    def _discard(self, place: _Place, entry: _Idle) -> None:
        """It ended, or says something that nobody asked for, or is too old."""
        if entry in place.idle:
            place.idle.remove(entry)
        entry.wire.close()

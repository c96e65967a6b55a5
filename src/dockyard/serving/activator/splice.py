"""HTTP/2 without TLS (h2c, as gRPC speaks it): a whole connection goes to one replica.

Its bytes are passed on as they are, so trailers, flow control and streams are the two ends' own.
What the queue holds and ``concurrency`` would count is then connections, not requests; so the
strict limit isn't offered for h2c. Who can't be served is told so as HTTP/2 has it.
"""

from __future__ import annotations

import asyncio

from dockyard.serving.activator.answers import Refused
from dockyard.serving.activator.pool import Dropped
from dockyard.serving.activator.refusing import Refusing
from dockyard.serving.activator.served import Served, Turn
from dockyard.serving.activator.tunnel import tunnel
from dockyard.serving.activator.wire import Waker, Wire

_LINGER_SECONDS = 1.0


class Splice:
    """A client's connection, and the replica's that it becomes one with."""

    def __init__(self, served: Served, client: Wire) -> None:
        self._served = served
        self._client = client
        self._waker = Waker()
        self._over = False
        client.notify = self._waker

    async def run(self) -> None:
        """Returns when the connection is over; the caller closes it."""
        turn: Turn | None = None
        seconds = self._served.target.timeout
        timer = asyncio.get_running_loop().call_later(seconds, self._expire) if seconds else None
        try:
            turn = self._served.enter(self._waker)
            replica = await self._connected(turn)
            if timer is not None:
                timer.cancel()
            if replica is not None:
                await self._splice(replica)
        except Refused as refused:
            await self._refuse(refused)
        finally:
            if timer is not None:
                timer.cancel()
            if turn is not None:
                self._served.leave(turn)

    def look(self) -> None:
        """Has it look around."""
        self._waker()

    def _expire(self) -> None:
        self._over = True
        self._waker()

    async def _connected(self, turn: Turn) -> Wire | None:
        """The replica's connection, or ``None`` where the client went away."""
        while not self._client.ended:
            if turn.refusal is not None:
                raise turn.refusal
            if self._over:
                raise self._served.late()
            if turn.backend is None:
                await self._waker.wait()
                continue
            try:
                return await self._served.pool.connect(turn.backend)
            except Dropped:
                self._served.again(turn)
            except OSError:
                self._served.failed(turn.backend)
                self._served.again(turn)
        return None

    async def _refuse(self, refused: Refused) -> None:
        """Answers what there is, and gives the client a moment to read it."""
        refusing = Refusing(refused)
        client = self._client
        loop = asyncio.get_running_loop()
        due = loop.time() + _LINGER_SECONDS
        timer = loop.call_at(due, self._waker)
        while not (client.ended or refusing.broken) and loop.time() < due:
            if client.buffer:
                client.write(refusing.feed(client.take(len(client.buffer))))
            else:
                await self._waker.wait()
        timer.cancel()

    async def _splice(self, replica: Wire) -> None:
        replica.notify = self._waker
        try:
            await tunnel(self._client, replica, self._waker)
        finally:
            replica.close()

"""A client's connection, with one request after the other."""

from __future__ import annotations

import asyncio

from dockyard.serving.activator import head
from dockyard.serving.activator.answers import Refused
from dockyard.serving.activator.exchange import Exchange
from dockyard.serving.activator.head import Malformed, Request
from dockyard.serving.activator.served import Served
from dockyard.serving.activator.wire import Waker, Wire

_LINGER_SECONDS = 2.0


class Session:
    """Answers requests until the client or we have enough."""

    def __init__(self, served: Served, client: Wire) -> None:
        self._served = served
        self._client = client
        self._waker = Waker()
        client.notify = self._waker

    async def run(self) -> None:
        """Returns when the connection is over; the caller closes it."""
        try:
            while (request := await self._next()) is not None:
                exchange = Exchange(self._served, self._client, self._waker, request)
                if not await exchange.run():
                    if not exchange.read:
                        await self._linger()
                    return
        except Malformed as error:
            refused = Refused(error.status, "bad-request", error.reason)
            self._client.write(refused.render(close=True))
            await self._linger()

    def look(self) -> None:
        """Has it go on where it only waits for something to come."""
        self._waker()

    async def _next(self) -> Request | None:
        client = self._client
        while True:
            while client.buffer.startswith(b"\r\n"):  # as some old clients end a body
                client.take(2)
            size = head.find(client.buffer)
            if size:
                return head.request(client.take(size))
            if client.ended or self._served.closing:
                return None
            await self._waker.wait()

    async def _linger(self) -> None:
        """Reads on for a moment: a close with something unread would take our answer along."""
        client = self._client
        if client.closing:
            return
        client.end()
        loop = asyncio.get_running_loop()
        due = loop.time() + _LINGER_SECONDS
        timer = loop.call_later(_LINGER_SECONDS, self._waker)
        while not client.ended and loop.time() < due:
            if client.buffer:
                client.take(len(client.buffer))
            await self._waker.wait()
        timer.cancel()

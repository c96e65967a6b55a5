"""HTTP servers of a test's own that stand for replicas and for the activator."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from aiohttp import WSMsgType, web

from dockyard.serving.gateway.model import Backend

T = TypeVar("T")
MAX_BODY = 64 << 20


class Seen:
    """A request as a server got it."""

    def __init__(self, request: web.Request, size: int) -> None:
        self.path = request.path_qs
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.size = size


class Server:
    """Answers with its name; what it was asked is in ``seen``.

    ``behaviour`` may answer in its place: it gets the request, and says ``None`` for the usual.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[Seen] = []
        self.behaviour: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def backend(self) -> Backend:
        return Backend("127.0.0.1", self._port)

    def listen(self, path: str = "") -> Server:
        """Serves at a port of the loopback, the same again after :meth:`stop`, or at a socket."""
        self.call(self._start(path))
        return self

    def stop(self) -> None:
        """Closes all connections and the port."""
        if self._runner is not None:
            self.call(self._runner.cleanup())
            self._runner = None

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Awaitable[T]) -> T:
        """Runs something in the server's loop."""
        done: Future[T] = asyncio.run_coroutine_threadsafe(_awaited(work), self._loop)
        return done.result(30)

    async def _start(self, path: str) -> None:
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        if path:
            if os.path.exists(path):
                os.unlink(path)
            await web.UnixSite(self._runner, path).start()
            return
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._echo(request)
        body = await request.read()
        self.seen.append(Seen(request, len(body)))
        if self.behaviour is not None:
            answer = await self.behaviour(request)
            if answer is not None:
                return answer
        return web.json_response({"by": self.name, "path": request.path_qs, "size": len(body)})

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"{self.name}: {message.data}")
        return socket


async def _awaited(work: Awaitable[T]) -> T:
    return await work

"""Replicas for tests of who speaks to them: servers of another make, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from aiohttp import web
from tests.support.waiting import PATIENCE

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_MOMENT = 0.02
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Replica:
    """A server, and what it saw."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[str] = []
        """Paths, in the order of their arrival."""
        self.active = 0
        self.most = 0
        """At a time."""
        self.close: Callable[[], Awaitable[None]] = _nothing

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port


async def _nothing() -> None:
    """Closes nothing."""


@contextlib.asynccontextmanager
async def replica(
    handler: Handler | None = None, *, port: int = 0, backlog: int = 128
) -> AsyncIterator[Replica]:
    """A server that answers with the path, or as ``handler`` says."""
    here = Replica()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        here.seen.append(request.path)
        here.active += 1
        here.most = max(here.most, here.active)
        try:
            if handler is not None:
                return await handler(request)
            return web.Response(text=request.path)
        finally:
            here.active -= 1

    server = web.Server(answer, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=backlog)
    await site.start()
    here.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it listens
    here.close = runner.cleanup
    try:
        yield here
    finally:
        await asyncio.sleep(_MOMENT)  # as below
        await runner.cleanup()


@contextlib.asynccontextmanager
async def raw(handler: Raw) -> AsyncIterator[Replica]:
    """A server that does with each connection what ``handler`` says, then closes it."""
    here = Replica()
    tasks: set[asyncio.Task[None]] = set()
    transports: set[asyncio.Transport] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        here.seen.append("connection")
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Accepted(serve, transports), "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        await asyncio.sleep(_MOMENT)  # asyncio leaves open what it accepts while it closes
        server.close()
        for transport in list(transports):
            transport.abort()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(_MOMENT)


class _Accepted(asyncio.StreamReaderProtocol):
    """Is known from its first moment, so that none is left open."""

    def __init__(self, serve: Raw, transports: set[asyncio.Transport]) -> None:
        super().__init__(asyncio.StreamReader(), serve)
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.add(cast("asyncio.Transport", transport))
        super().connection_made(transport)


async def eventually(look: Callable[[], object]) -> None:
    """Lets the loop go on until something is true."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not (found := look()):
        assert asyncio.get_running_loop().time() < deadline, f"still {found!r}"
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port

"""What keeps a server from being a ready replica, over real connections."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from tests.support.replicas import Raw, Replica, free_port, raw, replica

from dockyard.serving.activator.readiness import obstacle
from dockyard.serving.controller import probing
from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Protocol, Ready

SETTINGS = bytes(3) + b"\x04" + bytes(5)


async def asked(one: Replica, protocol: Protocol = "http1", path: str = "") -> str:
    return await obstacle(Backend(*one.address), Ready(path=path, timeout=0.3), protocol)


@pytest.mark.parametrize(("status", "said"), [(200, ""), (302, ""), (500, "it answers 500")])
def test_a_path_has_to_answer_well(status: int, said: str) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    async def scenario() -> None:
        async with replica(answer) as one:
            assert await asked(one, path="/healthz") == said
            assert one.seen == ["/healthz"]
            assert await asked(one) == ""
            assert one.seen == ["/healthz"]  # without a path the port is enough

    asyncio.run(scenario())


async def _settings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(24)
    writer.write(SETTINGS)
    await writer.drain()


async def _http_1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(24)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"hello\r\n\r\n")
    await writer.drain()


async def _nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def _silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(1 << 16):
        pass


CASES: list[tuple[Protocol, Raw, str]] = [
    ("h2c", _settings, ""),
    ("h2c", _http_1, "it doesn't speak HTTP/2"),
    ("h2c", _silence, "no answer within 0.3 s"),
    ("http1", _nonsense, "what it answers is not HTTP"),
    ("http1", _nothing, "it closed the connection without an answer"),
    ("http1", _silence, "no answer within 0.3 s"),
]


@pytest.mark.parametrize(("protocol", "server", "said"), CASES)
def test_a_server_has_to_speak_its_protocol(protocol: Protocol, server: Raw, said: str) -> None:
    async def scenario() -> None:
        async with raw(server) as one:
            assert await asked(one, protocol, "/healthz") == said

    asyncio.run(scenario())


def test_the_controller_waits_for_http_2_as_the_activator_does() -> None:
    """Else the gateway would send requests to a server that only takes connections yet."""
    said: list[str] = []

    async def scenario() -> None:
        begun = False

        async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await (_settings if begun else _nothing)(reader, writer)

        port = free_port()
        backend = Backend("127.0.0.1", port)
        ready = Ready(path="/healthz", timeout=0.3)
        waiting = asyncio.create_task(probing.until_ready(backend, ready, "h2c", said.append))
        while not said:
            await asyncio.sleep(0.01)
        assert said[0] == "connection refused"
        waiting.cancel()
        async with raw(later) as one:
            backend = Backend(*one.address)
            waiting = asyncio.create_task(probing.until_ready(backend, ready, "h2c", said.append))
            while len(one.seen) < 3:
                await asyncio.sleep(0.01)
            assert not waiting.done()
            begun = True
            await waiting

    asyncio.run(scenario())
    assert set(said) == {"connection refused", "it closed the connection without an answer"}

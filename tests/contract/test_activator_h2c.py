"""HTTP/2: a connection waits for a replica as a whole, and then is passed on byte by byte."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import activators
from tests.support.activators import Activator
from tests.support.replicas import eventually, free_port, raw

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
SETTINGS = bytes(3) + b"\x04" + bytes(5)


@pytest.fixture(scope="module")
def process() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


@pytest.fixture
def activator(process: Activator) -> Iterator[Activator]:
    yield process
    process.rest()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins as a server of HTTP/2, then repeats what comes until the end."""
    writer.write(SETTINGS)
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def echoed(activator: Activator, data: bytes) -> bytes:
    """Sends it; what comes until all of it has come back, and the other side has ended."""
    reader, writer = await asyncio.open_unix_connection(activator.socket())
    writer.write(data)
    back = await reader.readexactly(len(SETTINGS + data))
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    return back


def test_a_connection_waits_for_a_replica_and_gets_all_bytes(activator: Activator) -> None:
    sent = PREFACE + bytes(range(256)) * 4000

    async def scenario() -> None:
        activator.serve(activator.target(protocol="h2c", condition="starting"))
        asked = asyncio.create_task(echoed(activator, sent))
        await eventually(lambda: activator.figures().waiting == 1)
        assert activator.poked()

        async with raw(echo) as one:
            probing = [{"address": "127.0.0.1", "port": one.port}]
            activator.serve(activator.target(protocol="h2c", probing=probing))
            assert await asked == SETTINGS + sent
            await eventually(lambda: activator.figures().active == 0)

    asyncio.run(scenario())


def test_a_port_that_does_not_speak_http_2_is_not_ready(activator: Activator) -> None:
    async def scenario() -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with raw(other) as one:
            probing = [{"address": "127.0.0.1", "port": one.port}]
            activator.serve(activator.target(protocol="h2c", probing=probing))
            await eventually(lambda: len(one.seen) > 3)
            assert activator.figures().ready == ()

    asyncio.run(scenario())


def test_a_dead_replica_is_passed_over(activator: Activator) -> None:
    async def scenario() -> None:
        async with raw(echo) as one:
            dead = ("127.0.0.1", free_port())
            activator.serve(activator.target(dead, one.address, protocol="h2c"))
            for _ in range(3):
                assert await echoed(activator, PREFACE) == SETTINGS + PREFACE

    asyncio.run(scenario())


REFUSALS: dict[str, dict[str, Any]] = {
    "start-failed": {"condition": "failed", "reason": "exit code 3: no such model (100%)"},
    "queue-full": {"queue": 0},
    "timeout": {"timeout": 0.2},
}


@pytest.mark.parametrize("reference", REFUSALS)
def test_who_cannot_be_served_is_told_why(activator: Activator, reference: str) -> None:
    """By a client of another make."""
    fields = REFUSALS[reference]
    activator.serve(activator.target(protocol="h2c", **fields))

    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", activator.socket(),
         "--data-binary", "@-", "-D", "-", "--max-time", "20", "http://embed/"],
        input=b"x" * 300_000, capture_output=True,
    )  # fmt: skip

    status, *lines = done.stdout.decode().strip().splitlines()
    head = dict(line.split(": ", 1) for line in lines)
    assert status.split()[:2] == ["HTTP/2", "504" if reference == "timeout" else "503"]
    assert head["x-dockyard-error"] == reference
    assert head["grpc-status"] == "14"
    if reference == "start-failed":
        assert head["grpc-message"] == "exit code 3: no such model (100%25)"


def test_who_does_not_speak_http_2_is_cut_off(activator: Activator) -> None:
    activator.serve(activator.target(protocol="h2c", condition="failed"))

    assert activators.exchange(activator.socket(), b"GET / HTTP/1.1\r\n\r\n") == b""

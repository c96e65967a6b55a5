"""How content goes out: whole, however it is taken, encrypted or not."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from tests.support.servers import authority

from dockyard.registry.server.ranges import Span
from dockyard.registry.server.send import send_file

CONTENT = random.Random(9).randbytes(4 << 20)
FIRST = 1000


async def answer(request: web.Request) -> web.StreamResponse:
    """All but the first bytes of a file; each byte that waits keeps the next one waiting."""
    assert request.transport is not None
    request.transport.set_write_buffer_limits(high=1)
    request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with open(request.query["file"], "rb", buffering=0) as stream:
        span = Span(FIRST, len(CONTENT) - FIRST)
        return await send_file(request, stream, span, web.StreamResponse(), 20)


def connected(address: tuple[str, int]) -> socket.socket:
    """A connection for which the system keeps little."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    made.connect(address)
    made.setblocking(False)
    return made


async def taken(file: Path, server: ssl.SSLContext | None) -> bytes:
    """What a client gets that takes a little at a time."""
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
        client = ssl._create_unverified_context() if server else None
        reader, writer = await asyncio.open_connection(
            sock=connected(runner.addresses[0]), ssl=client, server_hostname="x" if client else None
        )
        writer.write(f"GET /?file={file} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        found = b""
        while block := await reader.read(1 << 17):
            found += block
            await asyncio.sleep(0.002)
        writer.close()
        return found.partition(b"\r\n\r\n")[2]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("encrypted", [True, False])
def test_whoever_takes_a_little_at_a_time_gets_all_of_it(tmp_path: Path, encrypted: bool) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    server = authority(tmp_path)[0] if encrypted else None

    assert asyncio.run(taken(tmp_path / "file", server)) == CONTENT[FIRST:]

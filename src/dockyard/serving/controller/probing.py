"""Whether a replica can serve: its port takes connections, and its path answers well."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Protocol, Ready

FIRST: Final = 0.01
"""Seconds between two probes of a new replica."""
_MOST: Final = 1.0
_GROWTH: Final = 1.15
_GOOD: Final = range(200, 400)
_LINE_BYTES: Final = 1 << 10


async def until_ready(backend: Backend, ready: Ready, protocol: Protocol) -> None:
    """Returns once a replica answers; asks often at first, then less."""
    pause = FIRST
    while not await answers(backend, ready, protocol):
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _MOST)


async def answers(backend: Backend, ready: Ready, protocol: Protocol) -> bool:
    """Whether a replica is ready now."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(ready.timeout):
            return await _ask(backend, ready.path if protocol == "http1" else "")
    return False


async def _ask(backend: Backend, path: str) -> bool:
    reader, writer = await asyncio.open_connection(backend.address, backend.port, limit=_LINE_BYTES)
    try:
        if not path:
            return True
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {backend.address}:{backend.port}\r\n"
            "User-Agent: dockyard-probe\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readline()
        return int(line.split(b" ", 2)[1]) in _GOOD if line.count(b" ") else False
    finally:
        writer.close()

"""Bodies of requests, as they come: at a bounded pace, and in memory only where they are short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from dockyard.registry.server import problems
from dockyard.registry.server.budget import Share
from dockyard.registry.server.rules import Rules


async def paced(request: web.Request, rules: Rules) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        problems.Refused: it comes too slowly to be waited for.
    """
    clock = asyncio.get_running_loop().time
    since, came = clock(), 0
    try:
        while True:
            async with asyncio.timeout(rules.stall_seconds):
                block = await request.content.readany()
            if not block:
                return
            came += len(block)
            if clock() - since > rules.stall_seconds:
                if came < rules.least_rate * rules.stall_seconds:
                    raise TimeoutError
                since, came = clock(), 0
            yield block
    except TimeoutError:
        raise problems.stalled(rules.stall_seconds) from None


async def whole(request: web.Request, rules: Rules, most: int, share: Share) -> bytes:
    """A body of at most so many bytes, which has to come within the time of a stall.

    Raises:
        problems.Refused: it is longer, comes too slowly, or there is no memory for it.
    """
    if (request.content_length or 0) > most:
        raise problems.too_large(most)
    data, block = bytearray(), b""
    try:
        async with asyncio.timeout(rules.stall_seconds):
            async for block in paced(request, rules):
                if len(data) + len(block) > most:
                    raise problems.too_large(most)
                share.take(len(block))
                data += block
        return bytes(data)
    except TimeoutError:
        raise problems.stalled(rules.stall_seconds) from None
    finally:
        data.clear()  # what was refused keeps this frame alive until garbage is collected
        block = b""

"""Content on its way to a client: by the kernel alone where it can, at a bounded pace."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import BinaryIO, Final

from aiohttp import web

from dockyard.registry.server.ranges import Span

_PIECE: Final = 1 << 20
_BLOCK: Final = 1 << 18


async def send_answer(request: web.Request, answer: web.StreamResponse, patience: float) -> None:
    """Sends what has not been sent of an answer.

    Args:
        patience: seconds within which the client has to take a megabyte.

    Raises:
        ConnectionResetError: the client has gone, or takes next to nothing.
    """
    pieces = 1 + (answer.content_length or 0) // _PIECE
    try:
        async with asyncio.timeout(patience * pieces):
            await answer.prepare(request)
            await answer.write_eof()
    except TimeoutError:
        raise broken_off(request, "the client takes next to nothing") from None


def broken_off(request: web.Request, why: str) -> ConnectionResetError:
    """Ends a connection at once, also where a client takes nothing of what waits for it."""
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError(why)


async def send_file(
    request: web.Request, stream: BinaryIO, span: Span, answer: web.StreamResponse,
    patience: float,
) -> web.StreamResponse:  # fmt: skip
    """Answers by a part of an open file.

    Args:
        patience: seconds within which the client has to take a megabyte.

    Raises:
        ConnectionResetError: the client has gone, or takes next to nothing.
    """
    answer.content_length = span.length
    await answer.prepare(request)
    if request.method == "HEAD" or span.length == 0:
        await answer.write_eof()
        return answer
    start, left = span
    while left:
        piece = min(left, _PIECE)
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        with contextlib.suppress(OSError):
            os.posix_fadvise(stream.fileno(), start + piece, _PIECE, os.POSIX_FADV_WILLNEED)
        try:
            sent = await asyncio.wait_for(_send(transport, stream, start, piece, answer), patience)
        except (TimeoutError, RuntimeError):
            raise broken_off(request, "the client takes next to nothing") from None
        if sent != piece:  # the file is shorter than its record: the client must see that
            transport.abort()
            raise OSError(f"{stream.name} is shorter than it should be")
        start, left = start + piece, left - piece
    await answer.write_eof()
    return answer


async def _send(
    transport: asyncio.Transport, stream: BinaryIO, start: int, count: int,
    answer: web.StreamResponse,
) -> int:  # fmt: skip
    """Sends a part of a file; how much of it there was.

    What is encrypted the kernel can't send. What :mod:`asyncio` does then takes the connection away
    from those who speak HTTP on it, who lose count of whether they may write.
    """
    if transport.get_extra_info("ssl_object") is None:
        return await asyncio.get_running_loop().sendfile(transport, stream, start, count)
    sent = 0
    while sent < count:
        size = min(_BLOCK, count - sent)
        block = await asyncio.to_thread(os.pread, stream.fileno(), size, start + sent)
        if not block:
            break
        await answer.write(block)
        sent += len(block)
    return sent

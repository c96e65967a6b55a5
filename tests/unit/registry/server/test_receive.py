"""Bodies into files: what is refused is never written, what came before is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.shelf import Shelf

from dockyard.registry.server.problems import Refused, too_large
from dockyard.registry.server.receive import Receiver

BLOCK = b"x" * (1 << 20)


async def blocks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield BLOCK


def received(shelf: Shelf, body: AsyncIterator[bytes], most: int) -> tuple[int, Exception | None]:
    """How much an upload has after a body, and what was raised."""
    upload = shelf.blobs.start("a", "x")
    assert upload is not None

    async def check(size: int) -> None:
        if size > most:
            raise too_large(most)

    error = None
    with ThreadPoolExecutor(1) as threads:
        try:
            asyncio.run(Receiver(shelf.content, threads).append(upload.id, body, check))
        except (Refused, ConnectionResetError) as raised:
            error = raised
    return Path(shelf.content.upload(upload.id)).stat().st_size, error


@pytest.mark.parametrize("most", [0, 1, len(BLOCK), 3 * len(BLOCK) - 1])
def test_what_is_refused_is_not_written(shelf: Shelf, most: int) -> None:
    size, error = received(shelf, blocks(4), most)

    assert isinstance(error, Refused)
    assert size == most // len(BLOCK) * len(BLOCK)


def test_what_came_before_the_connection_broke_off_stays(shelf: Shelf) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"begun"
        raise ConnectionResetError

    size, error = received(shelf, broken(), 100)

    assert isinstance(error, ConnectionResetError)
    assert size == 5

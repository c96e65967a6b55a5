"""Bodies into files: what is refused is never written, what came before is."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.shelf import Shelf

from dockyard.registry.server import receive
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


def test_who_is_canceled_stays_at_the_upload_until_its_bytes_are_written(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    opened: list[bool] = []

    def write(descriptor: int, batch: Sequence[bytes], progress: object) -> None:
        may_go_on.wait(10)
        opened.append(os.path.exists(f"/proc/self/fd/{descriptor}"))

    async def check(_: int) -> None: ...

    async def canceled() -> None:
        upload = shelf.blobs.start("a", "x")
        assert upload is not None
        with ThreadPoolExecutor(1) as threads:
            appending = asyncio.ensure_future(
                Receiver(shelf.content, threads).append(upload.id, blocks(3), check)
            )
            await asyncio.sleep(0.1)  # the second block waits for the first one to be written
            appending.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            may_go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await appending

    monkeypatch.setattr(receive, "_write", write)
    asyncio.run(canceled())

    assert opened
    assert all(opened)


def test_nothing_is_added_to_what_is_a_blob_already(shelf: Shelf) -> None:
    """As it is after a kill between the two."""
    upload = shelf.blobs.start("a", "x")
    assert upload is not None
    digest = shelf.digest(b"")
    shelf.content.place(upload.id, digest)

    async def check(_: int) -> None: ...

    with ThreadPoolExecutor(1) as threads, pytest.raises(FileNotFoundError):
        asyncio.run(Receiver(shelf.content, threads).append(upload.id, blocks(1), check))
    assert shelf.content.has_digest(digest)

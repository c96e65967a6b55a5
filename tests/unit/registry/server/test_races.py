"""Content that goes, or comes, in the moment between a look at the records and at the disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from tests.support.shelf import Shelf

from dockyard.registry.access.opening import open_access
from dockyard.registry.server.blobs import Blob
from dockyard.registry.server.service import Service
from dockyard.registry.server.web.app import application

LAYER = b"layer" * 1000


class Raced:
    """A registry in which something happens right after a blob was found in the records."""

    def __init__(self, root: Path) -> None:
        self.service = Service(str(root), open_access(str(root)), may_be_open=True)
        self.shelf = Shelf(root)
        self.digest = self.shelf.blob("a", LAYER)

    def between(self, act: Callable[[], object]) -> None:
        finding = self.service.blobs.find

        def find(repository: str, digest: str, *, keep_after: int | None = None) -> Blob | None:
            self.service.blobs.find = finding  # type: ignore[method-assign]
            found = finding(repository, digest, keep_after=keep_after)
            act()
            return found

        self.service.blobs.find = find  # type: ignore[method-assign]

    def collected(self) -> None:
        self.shelf.database.execute("DELETE FROM links WHERE digest = ?", (self.digest,))
        assert self.shelf.collect().blobs == [self.digest]

    def replaced(self) -> None:
        self.collected()
        self.shelf.blob("a", LAYER)

    async def asked(self, method: str) -> tuple[int, bytes]:
        server = TestServer(application(self.service))
        async with (
            TestClient(server) as client,
            client.request(method, f"/v2/a/blobs/{self.digest}") as answer,
        ):
            found = answer.status, await answer.read()
        await self.service.close()
        self.shelf.database.close()
        return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_collected_in_between_is_not_found(
    tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> tuple[int, bytes]:
        raced = Raced(tmp_path)
        raced.between(raced.collected)
        return await raced.asked(method)

    status, body = asyncio.run(ask())

    assert status == 404
    assert b"BLOB_UNKNOWN" in body or method == "HEAD"
    assert b"damaged" not in body
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_what_is_pushed_again_in_between_is_not_taken_for_damaged(tmp_path: Path) -> None:
    async def ask() -> tuple[int, bytes]:
        raced = Raced(tmp_path)
        opening = raced.service.content.path

        def gone(digest: str) -> str:
            """Where it is looked for in the moment in which it is not there."""
            raced.service.content.path = opening  # type: ignore[method-assign]
            return f"{opening(digest)}.gone"

        raced.service.content.path = gone  # type: ignore[method-assign]
        return await raced.asked("GET")

    status, _ = asyncio.run(ask())

    assert status == 404
    shelf = Shelf(tmp_path)
    assert shelf.blobs.find("a", shelf.digest(LAYER)), "it stays for the next one who asks"
    shelf.database.close()


def test_whoever_has_begun_to_read_gets_all_of_it(tmp_path: Path) -> None:
    async def ask() -> tuple[int, bytes]:
        raced = Raced(tmp_path)
        raced.between(raced.replaced)
        return await raced.asked("GET")

    assert asyncio.run(ask()) == (200, LAYER)


def test_nobody_adds_to_an_upload_that_becomes_a_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client has lost the connection of its ``PUT``, and sends the last part once more."""

    async def ask() -> tuple[int, bool]:
        raced = Raced(tmp_path)
        upload = raced.service.blobs.start("a", "anonymous:")
        assert upload is not None
        Path(raced.service.content.upload(upload.id)).write_bytes(LAYER)
        begun, may_go_on = threading.Event(), threading.Event()
        placing = raced.service.content.place

        def place(upload_id: str, digest: str) -> None:
            begun.set()
            may_go_on.wait(10)
            placing(upload_id, digest)

        monkeypatch.setattr(raced.service.content, "place", place)
        path = f"/v2/a/blobs/uploads/{upload.id}"
        async with TestClient(TestServer(application(raced.service))) as client:
            first = asyncio.ensure_future(client.put(path, params={"digest": raced.digest}))
            await asyncio.to_thread(begun.wait, 10)
            second = asyncio.ensure_future(client.patch(path, data=b"more"))
            await asyncio.wait([second], timeout=0.5)
            may_go_on.set()
            status = (await second).status
            await asyncio.gather(first, return_exceptions=True)
        await raced.service.close()
        raced.shelf.database.close()
        return status, raced.shelf.content.has_digest(raced.digest)

    assert asyncio.run(ask()) == (404, True)

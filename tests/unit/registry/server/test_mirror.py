"""A registry that takes its time keeps nobody from what is here, or comes at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.shelf import Shelf

from dockyard.config import Config
from dockyard.oci.image import MANIFEST, Descriptor
from dockyard.registry.access.opening import open_access
from dockyard.registry.model import Document
from dockyard.registry.server import mirror
from dockyard.registry.server.mirror import Mirror
from dockyard.registry.server.problems import Refused
from dockyard.registry.server.service import Service

CONFIG = {"digest": Shelf.digest(b"{}"), "size": 2}
DATA = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": CONFIG, "layers": []})
DIGEST = Shelf.digest(DATA.encode())


class Origin:
    """Another registry, whose blobs don't come; nor does anything else once it is slow."""

    def __init__(self) -> None:
        self.slow = False
        self.ended = threading.Event()

    def read_blob(self, digest: str, *, offset: int = 0) -> None:
        self.ended.wait(20)
        raise OSError

    def head(self, reference: str) -> Descriptor:
        if self.slow:
            self.ended.wait(20)
        return Descriptor(media_type=MANIFEST, digest=DIGEST, size=len(DATA))

    def manifest(self, reference: str) -> Document:
        self.head(reference)
        return Document(media_type=MANIFEST, digest=DIGEST, data=DATA.encode())


@contextlib.asynccontextmanager
async def mirrored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Mirror, Origin]]:
    origin: Any = Origin()
    service = Service(str(tmp_path), open_access(str(tmp_path)), may_be_open=True)
    config = Config.from_environment({"HOME": str(tmp_path)})
    service.mirror = Mirror(service, "127.0.0.1:1", config)
    monkeypatch.setattr(service.mirror, "_remote", lambda _: origin)
    monkeypatch.setattr(mirror, "_ANSWER_SECONDS", 0.2)
    try:
        yield service.mirror, origin
    finally:
        origin.ended.set()
        await service.close()


def test_blobs_that_do_not_come_keep_nobody_from_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> str:
        async with mirrored(tmp_path, monkeypatch) as (one, origin):
            wanted = [asyncio.ensure_future(one.blob("a", Shelf.digest(b"%d" % number)))
                      for number in range(mirror._THREADS)]  # fmt: skip
            await asyncio.sleep(0)
            found = await one.manifest("a", "1")
            assert not any(each.done() for each in wanted)
            origin.ended.set()
            await asyncio.gather(*wanted, return_exceptions=True)
        return found.digest if found else ""

    assert asyncio.run(ask()) == DIGEST


def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> str:
        async with mirrored(tmp_path, monkeypatch) as (one, origin):
            await one.manifest("a", "1")
            origin.slow = True
            one._fresh.clear()
            found = await one.manifest("a", "1")
            with pytest.raises(Refused, match="says nothing"):
                await one.manifest("a", "other")
        return found.digest if found else ""

    assert asyncio.run(ask()) == DIGEST

"""What a mirror fetches keeps to what is laid down here, while it comes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.shelf import Shelf

from dockyard.errors import ContentMismatch
from dockyard.registry.blob import BlobStream
from dockyard.registry.problems import Interrupted
from dockyard.registry.server import fetch
from dockyard.registry.server.problems import Refused
from dockyard.registry.server.quota import check_of
from dockyard.registry.server.reservations import Reservations
from dockyard.registry.server.rules import Quota, Rules

MB = 1 << 20
DATA = b"what is there" * 100_000
OTHERWISE = "sha256:" + "0" * 64


class Origin:
    """Another registry: gives a blob, says a size, and breaks off after so many bytes each."""

    def __init__(self, data: bytes, said: int | None, *breaks: int) -> None:
        self.reference = SimpleNamespace(registry="there")
        self._data, self._said, self._breaks = data, said, list(breaks)
        self.given = 0

    @contextlib.contextmanager
    def read_blob(self, digest: str, *, offset: int = 0) -> Iterator[BlobStream]:
        breaks = bool(self._breaks)
        left = self._breaks.pop(0) if breaks else len(self._data) - offset
        at = offset

        def read(size: int) -> bytes:
            nonlocal left, at
            block = self._data[at : at + min(size, left)]
            if not block and breaks:
                raise OSError
            at, left, self.given = at + len(block), left - len(block), self.given + len(block)
            return block

        def failed(error: Exception, host: str) -> None:
            raise Interrupted("it broke off", hint="try again")

        said = self._said if offset == 0 else None
        answer: Any = SimpleNamespace(read=read)
        transport: Any = SimpleNamespace(failed=failed)
        yield BlobStream(answer, transport, "there", said)


def fetched(shelf: Shelf, origin: Origin, rules: Rules, digest: str) -> fetch.Fetch:
    service: Any = SimpleNamespace(
        blobs=shelf.blobs, content=shelf.content, rules=rules,
        reservations=Reservations(shelf.database, shelf.content, shelf.blobs),
        quota=lambda name: check_of(rules, name),
    )  # fmt: skip
    remote: Any = origin

    async def run() -> fetch.Fetch:
        one = fetch.Fetch(service, "lib/app", digest, remote)
        await asyncio.to_thread(one.run)
        return one

    return asyncio.run(run())


@pytest.mark.parametrize("said", [len(DATA), None])
@pytest.mark.parametrize(
    ("rules", "status"),
    [
        (Rules(max_blob=len(DATA) // 3), 413),
        (Rules(quotas=(Quota("lib/**", len(DATA) // 3),)), 403),
    ],
)
def test_what_would_not_be_kept_is_not_fetched(
    shelf: Shelf, rules: Rules, status: int, said: int | None
) -> None:
    origin = Origin(DATA, said)

    done = fetched(shelf, origin, rules, shelf.digest(DATA))

    assert isinstance(done.error, Refused)
    assert done.error.status == status
    assert done.received <= len(DATA) // 3
    assert origin.given == 0 if said else origin.given < len(DATA)
    assert shelf.blobs.open_uploads() == []
    assert list(shelf.content.uploads()) == []


def test_what_is_left_of_the_disk_is_for_records(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(fetch, "require_space", full)

    done = fetched(shelf, Origin(DATA, len(DATA)), Rules(), shelf.digest(DATA))

    assert isinstance(done.error, Refused)
    assert (done.error.status, done.received) == (507, 0)
    assert list(shelf.content.uploads()) == []


def test_more_than_was_said_ends_it(shelf: Shelf) -> None:
    said = 300_000
    origin = Origin(DATA * 2, said, 200_000)

    done = fetched(shelf, origin, Rules(), OTHERWISE)

    assert isinstance(done.error, ContentMismatch)
    assert done.received <= said


def test_what_may_be_kept_is(shelf: Shelf) -> None:
    rules = Rules(max_blob=len(DATA), quotas=(Quota("lib/**", len(DATA)),))

    done = fetched(shelf, Origin(DATA, len(DATA), 100_000, 1), rules, shelf.digest(DATA))

    assert done.error is None
    assert shelf.blobs.find("lib/app", shelf.digest(DATA)) is not None
    assert shelf.content.has_digest(shelf.digest(DATA))

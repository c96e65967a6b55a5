"""Uploads: not at all where they aren't needed, and to their end whatever breaks on the way."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from tests.support.sending import send_blob

from dockyard.errors import NotFound, RegistryError
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry import upload
from dockyard.registry.ledger import Ledger
from dockyard.registry.problems import Denied, Full, Interrupted
from dockyard.registry.remote import Remote
from dockyard.state.database import Database
from dockyard.state.paths import Paths

CONTENT = random.Random(1).randbytes(5 << 20)
BLOB = Descriptor(media_type="x", digest=digests.of(CONTENT), size=len(CONTENT))
OTHER = Reference.parse("example.com/other:1")


class Registry:
    """A registry's side of uploads, whose connection breaks when it is told to."""

    reference = Reference.parse("example.com/here:1")
    least_chunk = 0

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.elsewhere: set[str] = set()
        self.asked: list[str] = []
        self.break_at: list[int] = []
        """Offsets at which the next connections break off."""
        self.refuses: Exception | None = None
        self.waits: list[float] = []

    def has_blob(self, digest: str) -> bool:
        self.asked.append("has")
        return digest in self.blobs

    def mount_blob(self, digest: str, source: Reference) -> bool:
        self.asked.append(f"mount {source.path}")
        return digest in self.elsewhere

    def start_upload(self) -> str:
        self.asked.append("start")
        name = f"upload-{len(self.asked)}"
        self.uploads[name] = bytearray()
        return name

    def upload_offset(self, location: str) -> int | None:
        self.asked.append("offset")
        return len(self.uploads[location]) if location in self.uploads else None

    def patch(
        self, location: str, data: Iterable[bytes] | BinaryIO, offset: int, length: int
    ) -> str:
        self.asked.append(f"patch {offset}+{length}")
        if location not in self.uploads:
            raise NotFound("no such upload")
        held = self.uploads[location]
        assert len(held) == offset
        for block in data:
            if self.refuses is not None:
                raise self.refuses
            if self.break_at and len(held) + len(block) > self.break_at[0]:
                held += block[: self.break_at.pop(0) - len(held)]
                raise Interrupted("broke off")
            held += block
        assert len(held) == offset + length
        return location

    def finish_upload(self, location: str, digest: str) -> None:
        self.asked.append("finish")
        data = bytes(self.uploads.pop(location))
        if digests.of(data) != digest:
            raise RegistryError("digest invalid")
        self.blobs[digest] = data

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


class Counter:
    def __init__(self) -> None:
        self.done = 0
        self.most = 0
        self.before = 0
        self.retries: list[str] = []

    def add(self, count: int, /) -> None:
        self.done += count
        self.most = max(self.most, self.done)

    def found(self, count: int, /) -> None:
        self.before += count
        self.add(count)

    def retrying(self, seconds: float, problem: str, /) -> None:
        self.retries.append(problem)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/run")
    paths.prepare()
    return Ledger(paths, Database(paths.database))


def opened(offset: int) -> io.BytesIO:
    return io.BytesIO(CONTENT[offset:])


def send(
    registry: Registry, *, sources: tuple[Reference, ...] = (), ledger: Ledger | None = None,
    open_at: Callable[[int], io.BytesIO] = opened,
) -> tuple[bool, Counter]:  # fmt: skip
    counter = Counter()
    sent = send_blob(
        cast("Remote", registry), BLOB, open_at, counter=counter, sources=sources, ledger=ledger
    )
    return sent, counter


def test_what_is_there_is_not_sent(registry: Registry) -> None:
    registry.blobs[BLOB.digest] = CONTENT

    assert not send(registry)[0]
    assert registry.asked == ["has"]


def test_what_another_repository_has_is_mounted(registry: Registry) -> None:
    registry.elsewhere.add(BLOB.digest)

    assert not send(registry, sources=(OTHER,))[0]
    assert registry.asked == ["has", "mount other"]


def test_what_is_there_is_no_longer_on_its_way(registry: Registry, ledger: Ledger) -> None:
    """A command that was killed may have finished an upload without knowing it."""
    with ledger.session(Registry.reference.repository, BLOB.digest) as session:
        session.record("/upload/1")
    registry.blobs[BLOB.digest] = CONTENT

    assert not send(registry, ledger=ledger)[0]
    with ledger.session(Registry.reference.repository, BLOB.digest) as session:
        assert session.location is None


def test_what_is_missing_is_sent_in_chunks(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_BYTES", 2 << 20)

    sent, counter = send(registry, sources=(OTHER,))
    assert sent
    assert registry.blobs[BLOB.digest] == CONTENT
    assert registry.asked == [
        "has", "mount other", "start", "patch 0+2097152", "patch 2097152+2097152",
        "patch 4194304+1048576", "finish",
    ]  # fmt: skip
    assert counter.done == counter.most == len(CONTENT)


def test_chunks_are_as_large_as_the_registry_wants(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_BYTES", 1 << 20)
    registry.least_chunk = 3 << 20

    send(registry)
    assert "patch 0+3145728" in registry.asked


def test_an_empty_blob_has_no_chunks(registry: Registry) -> None:
    blob = Descriptor(media_type="x", digest=digests.of(b""), size=0)

    assert send_blob(cast("Remote", registry), blob, opened, counter=Counter())
    assert registry.blobs == {blob.digest: b""}


def test_a_broken_connection_goes_on_where_the_registry_is(registry: Registry) -> None:
    registry.break_at = [1_000_000, 1_000_001, 3_000_000]

    _, counter = send(registry)
    assert registry.blobs[BLOB.digest] == CONTENT
    assert [asked for asked in registry.asked if asked.startswith("patch")] == [
        "patch 0+5242880", "patch 1000000+4242880", "patch 1000001+4242879",
        "patch 3000000+2242880",
    ]  # fmt: skip
    assert len(registry.waits) == len(counter.retries) == 3
    assert (counter.done, counter.before) == (len(CONTENT), 0)


def test_who_comes_a_little_further_each_time_goes_on(registry: Registry) -> None:
    registry.break_at = [step * 100_000 for step in range(1, 50)]

    send(registry)
    assert registry.blobs[BLOB.digest] == CONTENT
    assert len(registry.waits) == 49


def test_who_comes_no_further_gives_up_after_a_few_tries(registry: Registry) -> None:
    registry.break_at = [1000] * 50

    with pytest.raises(Interrupted):
        send(registry)
    assert 3 <= len(registry.waits) <= 8


def test_a_forgotten_upload_is_begun_anew(registry: Registry) -> None:
    registry.break_at = [3_000_000]
    forget = registry.pause

    def pause(seconds: float) -> None:
        registry.uploads.clear()
        forget(seconds)

    registry.pause = pause  # type: ignore[method-assign]
    _, counter = send(registry)
    assert registry.asked.count("start") == 2
    assert registry.blobs[BLOB.digest] == CONTENT
    assert counter.done == len(CONTENT)


@pytest.mark.parametrize(
    "error", [Denied("no"), Full("its disk is full"), RegistryError("status 413")]
)
def test_what_the_registry_refuses_is_not_tried_again(
    registry: Registry, error: RegistryError
) -> None:
    registry.refuses = error

    with pytest.raises(RegistryError) as caught:
        send(registry)
    assert caught.value is error
    assert not registry.waits


@pytest.mark.parametrize("error", [Denied("quota exceeded"), Full("its disk is full")])
def test_what_finds_no_room_after_a_break_is_not_begun_anew(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, error: RegistryError
) -> None:
    registry.break_at = [1 << 20]

    def refuse_from_now_on(_seconds: float) -> None:
        registry.refuses = error

    monkeypatch.setattr(registry, "pause", refuse_from_now_on)

    with pytest.raises(RegistryError) as caught:
        send(registry)
    assert caught.value is error
    assert registry.asked.count("start") == 1


class KilledError(BaseException):
    """As when the process dies: nothing is put in order."""


def test_the_next_command_goes_on_where_a_killed_one_was(
    registry: Registry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_BYTES", 1 << 20)
    blocks = iter(range(10))

    class Dying(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if next(blocks) == 9:
                raise KilledError
            return super().read(size)

    with pytest.raises(KilledError):
        send(registry, ledger=ledger, open_at=lambda offset: Dying(CONTENT[offset:]))
    arrived = len(next(iter(registry.uploads.values())))
    registry.asked.clear()

    assert arrived > 2 << 20
    _, counter = send(registry, ledger=ledger)
    assert (counter.done, counter.before) == (len(CONTENT), arrived)
    assert registry.asked[:3] == ["has", "offset", f"patch {arrived}+1048576"]
    assert registry.blobs[BLOB.digest] == CONTENT

    registry.blobs.clear()
    registry.asked.clear()
    send(registry, ledger=ledger)
    assert registry.asked[:2] == ["has", "start"]


def test_an_upload_that_went_wrong_is_not_taken_up_for_ever(
    registry: Registry, ledger: Ledger
) -> None:
    """What a killed command began turns out to be something else."""
    with ledger.session(registry.reference.repository, BLOB.digest) as session:
        session.record("upload-0")
    registry.uploads["upload-0"] = bytearray(b"x" * 1000)

    send(registry, ledger=ledger)
    assert registry.blobs[BLOB.digest] == CONTENT
    assert registry.asked.count("finish") == 2


def test_two_commands_at_once_have_an_upload_each(registry: Registry, ledger: Ledger) -> None:
    with ledger.session(registry.reference.repository, BLOB.digest) as session:
        session.record("upload-0")
        registry.uploads["upload-0"] = bytearray(CONTENT[:1000])

        send(registry, ledger=ledger)
    assert "offset" not in registry.asked
    assert registry.blobs[BLOB.digest] == CONTENT
    assert len(registry.uploads["upload-0"]) == 1000


def test_sources_are_other_repositories_of_the_same_registry() -> None:
    places = ("example.com/here", "example.com/old", "other.example/a", "docker.io/library/python")

    found = upload.sources(places, Registry.reference)
    assert [str(one) for one in found] == ["example.com/old:any"]
    found = upload.sources(places, Reference.parse("me/app"))
    assert [one.path for one in found] == ["library/python"]


def test_no_more_than_a_few_sources_are_asked() -> None:
    places = [f"example.com/old{number}" for number in range(10)]

    assert len(upload.sources(places, Registry.reference)) == 3

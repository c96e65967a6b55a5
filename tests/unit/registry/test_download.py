from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from dockyard.errors import ContentMismatch, DiskFull, NotFound
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry import backoff, chunks, download, partial
from dockyard.registry.download import fetch_blob
from dockyard.registry.model import Readable
from dockyard.registry.partial import Partial
from dockyard.registry.problems import Interrupted, RangeIgnored
from dockyard.registry.remote import Remote
from dockyard.state import room

PART = 1 << 12


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_BLOCK_BYTES", 512)
    monkeypatch.setattr(chunks.parts, "__defaults__", (PART,))
    monkeypatch.setattr(backoff, "_FIRST", 0.001)


class Blobs:
    """A registry with one blob."""

    reference = Reference.parse("example.com/a:1")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int | None]] = []
        self.sent = 0
        self.ranges = True
        self.breaks: Callable[[int], int | None] = lambda _: None
        """After how many bytes a request with this number breaks off."""
        self.lie: bytes | None = None
        """What a mirror gives, until it is left out."""
        self.guard = threading.Lock()

    @contextlib.contextmanager
    def read_blob(
        self, digest: str, *, offset: int = 0, length: int | None = None
    ) -> Iterator[Readable]:
        assert digest.startswith("sha256:")
        with self.guard:
            number = len(self.asked)
            self.asked.append((offset, length))
        if not self.ranges and (offset or length is not None):
            raise RangeIgnored("whole blobs only")
        end = None if length is None else offset + length
        content = self.lie or self.content
        yield _Stream(self, content[offset:end], self.breaks(number))

    def distrust(self, digest: str) -> bool:
        assert digest.startswith("sha256:")
        if self.lie is None:
            return False
        self.lie = None
        return True

    def as_remote(self) -> Remote:
        return cast("Remote", self)


class _Stream:
    def __init__(self, blobs: Blobs, data: bytes, breaks: int | None) -> None:
        self._blobs = blobs
        self._left = breaks
        self._stream = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        if self._left is not None:
            if self._left <= 0:
                raise Interrupted("broke off", hint="again")
            size = min(size, self._left)
            self._left -= size
        data = self._stream.read(size)
        with self._blobs.guard:
            self._blobs.sent += len(data)
        return data


def described(content: bytes) -> Descriptor:
    return Descriptor(media_type="t", digest=digests.of(content), size=len(content))


def fetch(blobs: Blobs, path: Path, descriptor: Descriptor | None = None) -> bytes:
    fetch_blob(blobs.as_remote(), descriptor or described(blobs.content), str(path))
    return path.read_bytes()


def left(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 10 * PART + 7])
def test_a_blob_arrives_whole(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)

    assert fetch(Blobs(content), tmp_path / "b") == content
    assert left(tmp_path / "b") == ["b"]


def test_a_large_blob_is_fetched_in_ranges_a_small_one_whole(tmp_path: Path) -> None:
    large, small = Blobs(os.urandom(3 * PART)), Blobs(b"x")
    fetch(large, tmp_path / "l")
    fetch(small, tmp_path / "s")

    assert sorted(large.asked) == [(0, PART), (PART, PART), (2 * PART, PART)]
    assert small.asked == [(0, None)]


def test_a_server_without_ranges_gives_it_all_at_once(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(5 * PART))
    blobs.ranges = False

    assert fetch(blobs, tmp_path / "b") == blobs.content
    assert [each for each in blobs.asked if each[1] is None] == [(0, None)]


def test_what_breaks_off_goes_on_from_there(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(4 * PART))
    blobs.breaks = lambda number: 1000 if number % 2 else None

    assert fetch(blobs, tmp_path / "b") == blobs.content
    assert blobs.sent < len(blobs.content) + 8 * 512


@pytest.mark.parametrize("ranges", [True, False])
def test_a_small_blob_that_breaks_off_is_gone_on_with(tmp_path: Path, ranges: bool) -> None:
    blobs = Blobs(os.urandom(PART))
    blobs.ranges = ranges
    blobs.breaks = lambda number: 600 if number == 0 else None

    assert fetch(blobs, tmp_path / "b") == blobs.content
    assert (512, PART - 512) in blobs.asked or (600, PART - 600) in blobs.asked


def test_a_server_that_always_fails_is_given_up(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(4 * PART))
    blobs.breaks = lambda _: 0

    with pytest.raises(Interrupted):
        fetch(blobs, tmp_path / "b")
    assert left(tmp_path / "b") == []


def test_what_came_before_a_failure_stays_for_the_next_try(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(8 * PART))
    blobs.breaks = lambda number: None if number < 2 else 0
    with pytest.raises(Interrupted):
        fetch(blobs, tmp_path / "b")
    assert left(tmp_path / "b") == ["b.journal", "b.part"]
    here, blobs.sent, blobs.breaks = blobs.sent, 0, lambda _: None

    assert fetch(blobs, tmp_path / "b") == blobs.content
    assert here
    assert blobs.sent == len(blobs.content) - here


def begin(path: Path, content: bytes, size: int) -> None:
    """Leaves the beginning of a blob, as a killed command does."""
    started = Partial.claim(str(path), size)
    assert started is not None
    started.write(content, 0)
    started.close()


def test_wrong_bytes_of_before_are_fetched_anew(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(3 * PART))
    begin(tmp_path / "b", b"wrong" * 100, len(blobs.content))

    assert fetch(blobs, tmp_path / "b") == blobs.content


def test_wrong_bytes_that_come_again_leave_nothing(tmp_path: Path) -> None:
    blobs = Blobs(os.urandom(3 * PART))
    begin(tmp_path / "b", b"wrong" * 100, len(blobs.content))
    descriptor = msgspec.structs.replace(described(blobs.content), digest=digests.of(b"other"))

    with pytest.raises(ContentMismatch, match="is not what its digest says"):
        fetch(blobs, tmp_path / "b", descriptor)
    assert blobs.sent <= 2 * len(blobs.content)
    assert left(tmp_path / "b") == []


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [100, 3 * PART])
def test_more_than_was_promised_is_refused(tmp_path: Path, size: int, ranges: bool) -> None:
    blobs = Blobs(os.urandom(size))
    blobs.ranges = ranges
    descriptor = msgspec.structs.replace(described(blobs.content), size=size - 1)

    with pytest.raises(ContentMismatch):
        fetch(blobs, tmp_path / "b", descriptor)
    assert left(tmp_path / "b") == []


@pytest.mark.parametrize("ranges", [True, False])
def test_less_than_was_promised_is_refused(tmp_path: Path, ranges: bool) -> None:
    blobs = Blobs(os.urandom(PART))
    blobs.ranges = ranges
    descriptor = msgspec.structs.replace(described(blobs.content), size=PART + 1)

    with pytest.raises(ContentMismatch):
        fetch(blobs, tmp_path / "b", descriptor)


def test_an_error_of_the_registry_is_told(tmp_path: Path) -> None:
    blobs = Blobs(b"x")

    def missing(_number: int) -> int | None:
        raise NotFound("no such blob", hint="ask")

    blobs.breaks = missing
    with pytest.raises(NotFound):
        fetch(blobs, tmp_path / "b")
    assert left(tmp_path / "b") == []


def test_a_full_disk_is_found_out_while_it_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs(os.urandom(3 * PART))
    monkeypatch.setattr(partial, "_CHECK_BYTES", 1)
    frees = iter([room.Free(10**9, 10**6)])
    monkeypatch.setattr(room.Room, "_free", lambda _: next(frees, room.Free(0, 10**6)))

    with pytest.raises(DiskFull):
        fetch(blobs, tmp_path / "b")


def test_a_blob_that_another_process_has_is_not_claimed(tmp_path: Path) -> None:
    path = str(tmp_path / "b")
    first = Partial.claim(path, 10)
    assert first is not None

    assert Partial.claim(path, 10) is None
    first.close()
    again = Partial.claim(path, 10)
    assert again is not None
    again.close()
    assert left(tmp_path / "b") == []


def test_stale_parts_are_swept_but_not_those_in_use(tmp_path: Path) -> None:
    for name in ("old", "new", "used"):
        begin(tmp_path / name, b"abc", 10)
    for ending in ("part", "journal"):
        os.utime(tmp_path / f"old.{ending}", (0, 0))
        os.utime(tmp_path / f"used.{ending}", (0, 0))
    used = Partial.claim(str(tmp_path / "used"), 10)
    assert used is not None

    assert partial.sweep(str(tmp_path)) > 0
    assert left(tmp_path / "x") == [
        "new.journal", "new.part", "used.journal", "used.lock", "used.part",
    ]  # fmt: skip
    used.discard()
    partial.sweep(str(tmp_path), age=0)
    assert left(tmp_path / "x") == []


def test_a_part_that_is_too_long_is_of_another_blob(tmp_path: Path) -> None:
    begin(tmp_path / "b", b"abcdef", 10)
    other = Partial.claim(str(tmp_path / "b"), 3)
    assert other is not None

    assert other.done == ()
    other.discard()


def test_bytes_that_are_here_are_not_written_again(tmp_path: Path) -> None:
    part = Partial.claim(str(tmp_path / "b"), 6)
    assert part is not None
    part.write(b"abc", 0)
    part.write(b"XXXdef", 0)

    assert part.read(0, 10) == b"abcdef"
    part.discard()


def test_a_blob_that_is_here_by_another_name_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"abc")
    part = Partial.from_file(str(tmp_path / "b"), 3, str(tmp_path / "other"))
    assert part is not None
    assert part.complete

    part.reset()
    part.discard()
    assert (tmp_path / "other").read_bytes() == b"abc"


@pytest.mark.parametrize("lie", [bytes(3 * PART), b"short", bytes(9 * PART)])
def test_what_a_mirror_gives_wrong_is_fetched_from_the_registry(tmp_path: Path, lie: bytes) -> None:
    blobs = Blobs(os.urandom(3 * PART))
    blobs.lie = lie

    assert fetch(blobs, tmp_path / "b") == blobs.content
    assert left(tmp_path / "b") == ["b"]


class Heard:
    def __init__(self) -> None:
        self.done = self.before = 0
        self.problems: list[str] = []

    def add(self, count: int, /) -> None:
        self.done += count

    def found(self, count: int, /) -> None:
        self.before += count

    def retrying(self, seconds: float, problem: str, /) -> None:
        self.problems.append(problem)


def test_who_looks_on_hears_of_retries(tmp_path: Path) -> None:
    blobs, heard = Blobs(os.urandom(4 * PART)), Heard()
    blobs.breaks = lambda number: 1000 if number == 1 else None

    fetch_blob(blobs.as_remote(), described(blobs.content), str(tmp_path / "b"), hearer=heard)
    assert heard.problems == ["broke off"]
    assert heard.done == len(blobs.content)

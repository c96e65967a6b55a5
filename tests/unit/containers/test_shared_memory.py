from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.containers import shared_memory
from dockyard.containers.logs import LogLine
from dockyard.containers.model import Container, Mount, Namespaces, Options, Resources
from dockyard.containers.shared_memory import Watch, too_small_for
from dockyard.state.paths import Paths

PROOF = b"unable to write to file </torch_12_3>: No space left on device (28)\n"
ELSEWHERE = b"cp: error writing '/data/x': No space left on device\n"


def container(options: Options, *mounts: Mount) -> Container:
    return Container(
        id="c" * 64, name="n", image_id="i", image_name="i", state="creating", created=0,
        options=options, mounts=mounts,
    )  # fmt: skip


def test_only_the_default_size_of_its_own_is_too_small() -> None:
    assert too_small_for(container(Options()))
    assert too_small_for(container(Options(namespaces=Namespaces(ipc="shareable"))))
    for mode in ("host", "none", "container:x"):
        assert not too_small_for(container(Options(namespaces=Namespaces(ipc=mode))))
    assert not too_small_for(container(Options(resources=Resources(shm_size=1 << 30))))
    shm = Mount(kind="bind", source="/dev/shm", target="/dev/shm")
    assert not too_small_for(container(Options(), shm))


class Place:
    """A container's directories, and how much room its shared memory has."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = Paths(str(base / "root"), str(base / "run"))
        self.one = container(Options())
        self.free, self.whole, self.mounted = 900, 1000, True
        self.path = self.paths.container(self.one.id) + "/shm"
        os.makedirs(self.path)
        os.makedirs(self.paths.bundle(self.one.id))
        Path(self.paths.bundle(self.one.id), "config.json").touch()
        monkeypatch.setattr(os, "statvfs", self._statvfs)
        self._stat = os.stat
        monkeypatch.setattr(os, "stat", self._stat_of)

    def _statvfs(self, path: str) -> os.statvfs_result:
        assert path == self.path
        return os.statvfs_result((4096, 4096, self.whole, self.free, self.free, 0, 0, 0, 0, 255))

    def _stat_of(self, path: str, **options: bool) -> os.stat_result:
        found = self._stat(path, **options)
        if path != self.path or not self.mounted:
            return found
        return os.stat_result((*found[:2], found.st_dev + 1, *found[3:10]))

    def is_full(self) -> bool:
        return shared_memory.is_full(self.paths, self.one)

    def at_the_end(self) -> bool:
        return shared_memory.ran_out_at_the_end(self.paths, self.one)

    def logged(self, line: bytes, moment: str = "2999-01-01T00:00:00.000000000+00:00") -> None:
        Path(self.paths.log(self.one.id)).write_bytes(moment.encode() + b" stderr F " + line)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with monkeypatch.context() as context:
        yield Place(tmp_path, context)


def test_full_is_when_hardly_any_room_is_left(place: Place) -> None:
    assert not place.is_full()
    place.free = 10
    assert place.is_full()
    assert place.at_the_end()
    place.whole = 0
    assert not place.is_full()


def test_a_full_disk_below_is_no_full_memory(place: Place) -> None:
    place.free, place.mounted = 0, False
    assert not place.is_full()


def test_a_complaint_counts_when_it_is_full_at_that_moment(place: Place) -> None:
    watch = Watch(place.paths, place.one)
    watch.saw(ELSEWHERE)
    assert not place.at_the_end()
    place.free = 0
    watch.saw(b"Bus error (core dumped)\n")
    place.free = 900  # the files have gone with their owner meanwhile
    assert place.at_the_end()


def test_a_complaint_that_names_shared_memory_needs_no_look(place: Place) -> None:
    Watch(place.paths, place.one).saw(PROOF)
    assert place.at_the_end()


def test_the_log_of_a_run_that_nobody_watched_tells(place: Place) -> None:
    place.logged(ELSEWHERE)
    assert not place.at_the_end()
    place.logged(PROOF)
    assert place.at_the_end()


def test_what_the_log_has_of_an_earlier_run_does_not_count(place: Place) -> None:
    place.logged(PROOF, "2001-01-01T00:00:00.000000000+00:00")
    assert not place.at_the_end()


def test_only_what_the_engine_gave_is_judged(place: Place) -> None:
    place.logged(PROOF)
    place.one = container(Options(namespaces=Namespaces(ipc="host")))
    assert not place.at_the_end()
    place.one = container(Options(), Mount(kind="tmpfs", source=None, target="/dev/shm"))
    assert not place.at_the_end()
    place.one = container(Options(namespaces=Namespaces(ipc="container:d")))
    assert place.at_the_end()
    assert " MB" not in shared_memory.words(place.one)


def test_a_reader_of_the_log_is_told_once_and_where_it_complains(place: Place) -> None:
    told: list[str] = []
    lines = [LogLine("t", 1, data) for data in (ELSEWHERE, PROOF, PROOF, b"end\n")]
    given = shared_memory.watched(place.paths, lambda: place.one, lines, told.append)
    assert [len(told) for _ in given] == [0, 0, 1, 1]
    assert told == [shared_memory.words(place.one)]
    assert "(/dev/shm has 64 MB): --shm-size=1g" in told[0]


def test_a_reader_of_a_silent_log_is_told_at_its_end(place: Place) -> None:
    told: list[str] = []
    lines = [LogLine("t", 1, b"nothing\n")]
    assert list(shared_memory.watched(place.paths, lambda: place.one, lines, told.append)) == lines
    assert not told
    place.free = 0
    list(shared_memory.watched(place.paths, lambda: place.one, lines, told.append))
    assert len(told) == 1
    list(shared_memory.watched(place.paths, lambda: None, lines, told.append))
    assert len(told) == 1

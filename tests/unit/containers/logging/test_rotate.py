"""Rotation beside a monitor that behaves as conmon, and readers that must not lose a line."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.containers import logs
from dockyard.containers.logging import files, rotate
from dockyard.containers.logging.retention import portions
from dockyard.containers.logging.settings import LogSettings

TIME = b"2024-05-01T10:00:00.000000000+00:00"


class Monitor:
    """Writes numbered lines, and opens its log anew when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.bundle, self.log = str(directory), str(directory / "container.log")
        os.mkfifo(directory / "ctl")
        self._control = os.open(directory / "ctl", os.O_RDWR | os.O_NONBLOCK)
        self._descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.numbers = itertools.count()

    def write(self, count: int) -> None:
        for number in itertools.islice(self.numbers, count):
            os.write(self._descriptor, TIME + b" stdout F %d\n" % number)

    def obey(self) -> None:
        try:
            os.read(self._control, 200)
        except BlockingIOError:
            return
        os.close(self._descriptor)
        self._descriptor = os.open(f"{self.log}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.rename(f"{self.log}.tmp", self.log)

    def close(self) -> None:
        os.close(self._descriptor)
        os.close(self._control)


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    made = Monitor(tmp_path)
    yield made
    made.close()


def rotated(monitor: Monitor, settings: LogSettings) -> bool:
    """Rotates while the monitor writes on until it reads what it is told."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.001):
            monitor.write(3)
            monitor.obey()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        return rotate.rotate(monitor.log, monitor.bundle, settings)
    finally:
        stop.set()
        thread.join()


def numbers(monitor: Monitor, tail: int | None = None) -> list[int]:
    found = logs.read(monitor.log, follow=False, ended=lambda: True, tail=tail, since=None)
    return [int(line.data) for line in found]


@pytest.mark.parametrize("compress", [False, True])
def test_all_kept_files_are_read_in_order(monitor: Monitor, compress: bool) -> None:
    settings = LogSettings(max_size=5000, max_files=3, compress=compress)
    for _ in range(5):
        monitor.write(10)
        assert rotated(monitor, settings)
    monitor.write(10)

    kept = sorted(files.numbered(monitor.log))
    assert kept == [4, 5]
    assert all(
        files.is_compressed(path) == compress for path in files.numbered(monitor.log).values()
    )
    last = next(monitor.numbers)
    found = numbers(monitor)
    assert found == list(range(found[0], last))
    assert found[0] > 0
    assert numbers(monitor, tail=12) == list(range(last - 12, last))
    assert numbers(monitor, tail=0) == []


def test_a_follower_loses_nothing(monitor: Monitor) -> None:
    settings = LogSettings(max_size=1, max_files=4)
    monitor.write(5)
    steps = iter(range(60))
    found: list[int] = []

    def ended() -> bool:
        step = next(steps, None)
        if step is None:
            return True
        monitor.write(7)
        if step % 3 == 0:
            rotated(monitor, settings)
        return False

    entries = logs.read(monitor.log, follow=True, ended=ended, tail=None, since=None)
    found = [int(line.data) for line in entries]
    assert found == list(range(next(monitor.numbers)))


def test_a_follower_reads_on_when_the_log_is_removed(monitor: Monitor, tmp_path: Path) -> None:
    monitor.write(5)
    entries = logs.read(monitor.log, follow=True, ended=lambda: True, tail=None, since=None)
    assert int(next(entries).data) == 0
    monitor.write(5)
    os.unlink(monitor.log)
    assert [int(line.data) for line in entries] == list(range(1, 10))


def test_one_file_is_kept_where_one_is_asked_for(monitor: Monitor) -> None:
    settings = LogSettings(max_size=1, max_files=1)
    monitor.write(5)
    assert rotated(monitor, settings)
    monitor.write(5)
    assert files.numbered(monitor.log) == {}
    assert numbers(monitor)[-1] == next(monitor.numbers) - 1


def test_a_rotation_that_was_killed_is_finished_by_the_next(monitor: Monitor) -> None:
    settings = LogSettings(max_size=1 << 30, max_files=3)
    monitor.write(5)
    os.rename(monitor.log, files.complete(monitor.log, 1))
    monitor.write(5)
    assert numbers(monitor) == list(range(10))
    assert rotate.is_due(rotate.size_of(monitor.log), settings)
    assert rotated(monitor, settings)
    monitor.write(5)
    assert numbers(monitor) == list(range(next(monitor.numbers)))
    assert not rotate.is_due(rotate.size_of(monitor.log), settings)


def test_without_a_monitor_the_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "container.log"
    log.write_bytes(TIME + b" stdout F x\n")
    assert not rotate.rotate(str(log), str(tmp_path), LogSettings(max_size=1, max_files=2))
    assert files.numbered(str(log)) == {}
    rotate.before_start(str(log), LogSettings(max_size=1, max_files=2))
    assert list(files.numbered(str(log))) == [1]


@pytest.mark.parametrize(
    ("sizes", "most", "room", "kept"),
    [
        ({}, 2, 100, {}),
        ({1: 50, 2: 50}, 2, 100, {1: 50, 2: 50}),
        ({1: 50, 2: 50, 3: 1}, 2, 100, {1: 0, 2: 50, 3: 1}),
        ({1: 50, 2: 70}, 2, 100, {1: 30, 2: 70}),
        ({1: 50, 2: 3000}, 2, 100, {1: 0, 2: 100}),
        ({1: 50}, 0, 0, {1: 0}),
    ],
)
def test_the_newest_bytes_stay(
    sizes: dict[int, int], most: int, room: int, kept: dict[int, int]
) -> None:
    assert portions(sizes, most, room) == kept


def total(monitor: Monitor) -> int:
    return sum(path.stat().st_size for path in Path(monitor.bundle).glob("container.log*"))


@pytest.mark.parametrize("max_files", [1, 2, 3])
@pytest.mark.parametrize("earlier", [0, 1])
def test_what_a_fast_writer_left_is_cut_down_to_its_newest(
    monitor: Monitor, max_files: int, earlier: int
) -> None:
    settings = LogSettings(max_size=1000, max_files=max_files)
    for _ in range(earlier):
        monitor.write(20)
        assert rotated(monitor, settings)
    monitor.write(500)
    rotate.settle(monitor.log, settings)

    found, last = numbers(monitor), next(monitor.numbers)
    assert total(monitor) <= 1000 * max_files
    assert total(monitor) > 1000 * max_files - 100
    assert found == list(range(found[0], last))
    assert Path(monitor.log).stat().st_size == 0
    assert numbers(monitor, tail=5) == list(range(last - 5, last))
    before = total(monitor)
    rotate.settle(monitor.log, settings)
    assert total(monitor) == before


def test_a_log_within_its_limit_stays_as_it_is(monitor: Monitor) -> None:
    monitor.write(10)
    rotate.settle(monitor.log, LogSettings(max_size=1000, max_files=1))
    assert files.numbered(monitor.log) == {}
    assert numbers(monitor) == list(range(10))


def test_the_last_line_stays_however_long_it_is(monitor: Monitor) -> None:
    Path(monitor.log).write_bytes(b"".join(
        TIME + b" stdout F " + text * 8000 + b"\n" for text in (b"a", b"b")
    ))  # fmt: skip
    rotate.settle(monitor.log, LogSettings(max_size=1000, max_files=2))
    entries = logs.read(monitor.log, follow=False, ended=lambda: True, tail=None, since=None)
    assert [line.data[:1] for line in entries] == [b"b"]


def test_what_is_cut_is_compressed_too(monitor: Monitor) -> None:
    monitor.write(500)
    Path(f"{monitor.log}.7.new").touch()
    rotate.settle(monitor.log, LogSettings(max_size=1000, max_files=2, compress=True))
    assert sorted(path.name for path in Path(monitor.bundle).glob("container.log*")) == [
        "container.log", "container.log.1.gz"
    ]  # fmt: skip
    assert numbers(monitor)[-1] == 499


def test_who_follows_reads_all_of_it_and_nothing_twice(monitor: Monitor) -> None:
    """What he hasn't come to is cut when he is gone."""
    settings = LogSettings(max_size=1000, max_files=2)
    monitor.write(500)
    steps = iter(range(6))

    def ended() -> bool:
        step = next(steps, None)
        if step == 1:
            rotate.settle(monitor.log, settings)
        return step is None

    entries = logs.read(monitor.log, follow=True, ended=ended, tail=None, since=None)
    assert [int(line.data) for line in entries] == list(range(500))
    assert numbers(monitor) == list(range(500))
    rotate.settle(monitor.log, settings)
    assert numbers(monitor)[0] > 400
    assert numbers(monitor)[-1] == 499


@given(st.lists(st.one_of(
    st.binary(max_size=80).filter(lambda data: b"\n" not in data),
    st.sampled_from([TIME, b"", TIME + b" stdout", TIME + b" stdout X a", b"x stdout F a",
                     b"2024-13-41T25:00:00.000000000+02:00 stderr P q"]),
), max_size=30), st.binary(max_size=40), st.one_of(st.none(), st.integers(0, 40)))  # fmt: skip
def test_broken_lines_hide_no_whole_one(
    tmp_path_factory: pytest.TempPathFactory, broken: list[bytes], end: bytes, tail: int | None
) -> None:
    log = tmp_path_factory.mktemp("log") / "container.log"
    good = [TIME + b" stdout F good %d" % number for number in range(len(broken))]
    lines = [line for pair in zip(broken, good, strict=True) for line in pair]
    log.write_bytes(b"".join(line + b"\n" for line in lines) + end)
    for since in (None, "2024-05-01T10:00:00.000000000Z"):
        found = list(logs.read(str(log), follow=True, ended=lambda: True, tail=tail, since=since))
        assert all(logs.utc(line) for line in found)
        texts = [line.data for line in found]
        whole = [text for text in texts if text.startswith(b"good ")]
        wanted = [b"good %d\n" % number for number in range(len(broken))]
        if tail is None:
            assert [text for text in whole if text in wanted] == wanted
        assert all(b"\n" not in text[:-1] for text in texts)


@given(st.binary(max_size=3000))
def test_damaged_gzip_ends_where_the_damage_is(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    log = tmp_path_factory.mktemp("log") / "container.log"
    log.with_name("container.log.1.gz").write_bytes(data)
    log.write_bytes(TIME + b" stderr F last\n")
    found = list(logs.read(str(log), follow=False, ended=lambda: True, tail=None, since=None))
    assert found[-1].data == b"last\n"

"""Log drivers: files that rotate under a fast writer, and readers that miss nothing of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from pathlib import Path

import pytest
from tests.support.roots import Root

QUIET = ("--network", "none")
LIMITED = ("--log-opt", "max-size=64k", "--log-opt", "max-file=100")
LINES = 30_000
WRITER = (
    f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1));"
    " [ $((i % 500)) = 0 ] && usleep 20000; done"
)


def log_files(root: Root) -> list[Path]:
    return sorted(Path(root.paths.containers).glob("*/container.log*"))


def in_order(text: str) -> bool:
    found = [int(line.split()[1]) for line in text.splitlines()]
    return all(b == a + 1 for a, b in itertools.pairwise(found))


def test_a_fast_writer_rotates_and_no_line_is_lost(root: Root, tmp_path: Path) -> None:
    """With --rm: who follows has read it all before the files go."""
    root.cli("run", "-d", "--rm", "--name", "fast", *QUIET, *LIMITED, "busybox", "sh", "-c",
             WRITER, check=True)  # fmt: skip
    outputs = [tmp_path / "plain", tmp_path / "timed"]
    followers = []
    for path, flags in zip(outputs, ((), ("-t",)), strict=True):
        with path.open("w") as stream:
            followers.append(root.start("logs", "-f", *flags, "fast", stdout=stream))
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            seen.add(len(log_files(root)))

    looking = threading.Thread(target=look)
    looking.start()
    for follower in followers:
        assert follower.wait(timeout=120) == 0
    texts = [path.read_text() for path in outputs]
    done.set()
    looking.join()
    assert texts[0].splitlines() == [f"line {number}" for number in range(LINES)]
    assert [line.partition(" ")[2] for line in texts[1].splitlines()] == texts[0].splitlines()
    assert max(seen) > 1


def test_the_local_driver_keeps_so_many_files_and_compresses(root: Root) -> None:
    root.cli("run", "-d", "--name", "kept", *QUIET, "--log-driver", "local", "--log-opt",
             "max-size=64k", "--log-opt", "max-file=3", "busybox", "sh", "-c", WRITER,
             check=True)  # fmt: skip
    assert root.cli("wait", "kept").stdout == "0\n"
    root.cli("start", "-a", "kept", check=True)
    names = [path.name for path in log_files(root)]
    assert len(names) <= 3
    assert any(name.endswith(".gz") for name in names)
    text = root.cli("logs", "kept").stdout
    last = [f"line {number}" for number in range(LINES - 10, LINES)]
    assert text.splitlines()[-10:] == last
    assert root.cli("logs", "-n", "10", "kept").stdout.splitlines() == last
    begin = text.splitlines()[: text.splitlines().index(last[0])]
    assert in_order("\n".join(begin[-1000:]))


LITTLE = ("--log-opt", "max-size=50k", "--log-opt", "max-file=3")
ROOM = 3 * 50 * 1024


def in_all(root: Root) -> int:
    """Bytes of the logs on disk; a file that goes meanwhile counts nothing."""
    found = 0
    for path in log_files(root):
        with contextlib.suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


@pytest.mark.parametrize("flags", [(), ("-d",), ("-d", "--restart", "on-failure:1")])
def test_a_burst_is_cut_down_to_its_newest_lines(root: Root, flags: tuple[str, ...]) -> None:
    root.cli("run", *flags, "--name", "burst", *QUIET, *LITTLE, "busybox", "seq", "60000",
             check=True)  # fmt: skip
    root.cli("wait", "burst", check=True)
    assert in_all(root) <= ROOM
    shown = [int(line) for line in root.cli("logs", "burst").stdout.split()]
    assert shown == list(range(shown[0], 60001))
    assert in_all(root) > ROOM / 4
    root.cli("start", "-a", "burst", check=True)
    assert in_all(root) <= ROOM
    assert root.cli("logs", "-n", "1", "burst").stdout == "60000\n"


def test_a_burst_after_a_silence_is_cut_down_while_the_container_runs(root: Root) -> None:
    root.cli("run", "-d", "--init", "--name", "burst", *QUIET, *LITTLE, "busybox", "sh", "-c",
             "sleep 2; seq 60000; sleep 600", check=True)  # fmt: skip
    deadline = time.monotonic() + 30
    while in_all(root) < ROOM / 2 or in_all(root) > ROOM:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert root.cli("logs", "-n", "1", "burst").stdout == "60000\n"


def test_who_follows_a_burst_misses_nothing_and_then_it_is_cut(root: Root, tmp_path: Path) -> None:
    root.cli("run", "-d", "--name", "burst", *QUIET, *LITTLE, "busybox", "sh", "-c",
             "sleep 2; seq 60000", check=True)  # fmt: skip
    with (tmp_path / "out").open("w") as stream:
        assert root.start("logs", "-f", "burst", stdout=stream).wait(60) == 0
    lines = (tmp_path / "out").read_text().split()
    assert lines == [str(number) for number in range(1, 60001)]
    root.cli("wait", "burst", check=True)
    root.cli("logs", "-n", "1", "burst", check=True)
    assert in_all(root) <= ROOM


def test_a_steady_writer_stays_within_its_room(root: Root) -> None:
    root.cli("run", "-d", "--name", "steady", *QUIET, *LITTLE, "busybox", "sh", "-c",
             "i=0; while [ $i -lt 12000 ]; do echo line $i; i=$((i+1));"
             " [ $((i % 100)) = 0 ] && usleep 30000; done", check=True)  # fmt: skip
    seen, waiting = [], root.start("wait", "steady")
    while waiting.poll() is None:
        seen.append(in_all(root))
        time.sleep(0.02)
    assert max(seen) > ROOM / 2
    assert sorted(seen)[len(seen) // 2] <= ROOM, "but for moments"
    assert in_all(root) <= ROOM
    assert in_order(root.cli("logs", "steady").stdout)


def test_drivers_and_details(root: Root) -> None:
    root.cli("run", "--name", "none", *QUIET, "--log-driver", "none", "busybox", "echo", "hi",
             check=True)  # fmt: skip
    done = root.cli("logs", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "configured logging driver does not support reading" in done.stderr
    assert log_files(root) == []
    root.cli("run", "--name", "shown", *QUIET, "-l", "a=b", "-e", "X=1", "--log-opt", "labels=a",
             "--log-opt", "env=X", "busybox", "echo", "hi", check=True)  # fmt: skip
    assert root.cli("logs", "--details", "shown").stdout == "X=1,a=b hi\n"
    moment, rest = root.cli("logs", "--details", "-t", "shown").stdout.split(" ", 1)
    assert (moment[-1], rest) == ("Z", "X=1,a=b hi\n")
    assert root.cli("logs", "--until", "1h", "shown").stdout == ""
    default = {"DOCKYARD_LOG_DRIVER": "local", "DOCKYARD_LOG_OPTS": "max-size=5m"}
    root.cli("create", "--name", "default", *QUIET, "busybox", "true", check=True, env=default)
    with root.engine() as engine:
        settings = engine.containers.get("default").log
    assert (settings.driver, settings.max_size, settings.max_files) == ("local", 5 << 20, 5)
    for flags, words in (
        (("--log-driver", "foo"), "error looking up logging plugin foo"),
        (("--log-opt", "max-size=abc"), "invalid size: 'abc'"),
        (("--log-opt", "max-file=3"), "max-file has no effect when max-size is not set"),
        (("--log-opt", "tag=x"), "log opt tag is not supported"),
    ):
        done = root.cli("run", "--rm", *QUIET, *flags, "busybox", "true")
        assert (done.returncode, words in done.stderr) == (125, True)


def test_a_rotation_that_was_killed_is_finished_by_a_command(root: Root) -> None:
    root.cli("run", "-di", "--name", "cut", *QUIET, "--log-opt", "max-size=1g",
             "--log-opt", "max-file=3", "busybox", "cat", check=True)  # fmt: skip
    writer = root.start("attach", "cut", stdin=-1)
    assert writer.stdin is not None and writer.stdout is not None  # noqa: PT018
    for word in ("one", "two", "three"):
        writer.stdin.write(f"{word}\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == f"{word}\n"
        if word == "one":
            (path,) = log_files(root)
            os.rename(path, f"{path}.1")
        elif word == "two":
            assert root.cli("logs", "cut").stdout == "one\ntwo\n"
    writer.kill()
    writer.stdin.close()
    assert root.cli("logs", "cut").stdout == "one\ntwo\nthree\n"
    assert len(log_files(root)) == 2

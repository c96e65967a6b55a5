"""Log drivers: files that rotate under a fast writer, and readers that miss nothing of it."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

from tests.support.roots import Root
from tests.support.waiting import until

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


def test_what_is_written_at_once_is_held_to_the_limits_at_the_end(root: Root) -> None:
    """A burst is over before anybody looks at the size."""
    root.cli("run", "-d", "--name", "burst", *QUIET, "--log-opt", "max-size=50k", "--log-opt",
             "max-file=3", "busybox", "seq", "60000", check=True)  # fmt: skip
    for _ in range(2):
        root.cli("wait", "burst", check=True)
        until(lambda: root.cli("inspect", "-f", "{{.State.Status}}", "burst").stdout == "exited\n")
        assert sum(path.stat().st_size for path in log_files(root)) <= 3 * 51200
        shown = root.cli("logs", "burst").stdout.splitlines()
        assert shown[-1] == "60000"
        assert len(shown) > 2000
        root.cli("start", "burst", check=True)
    root.cli("rm", "-f", "burst", check=True)


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

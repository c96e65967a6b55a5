"""kill -9 at any moment: the next command works, and what was taken is given back.

A command is killed at points spread over the time that it takes, alone and while others work on
the same root. ``DOCKYARD_SOAK`` multiplies the number of points.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard.errors import NotFound

SOAK = max(1, int(os.environ.get("DOCKYARD_SOAK", "1")))
POINTS = 6 * SOAK

DOCKERFILE = """
FROM busybox AS one
RUN seq 1000 > /one && sleep 0.05
FROM busybox
WORKDIR /made
COPY . /context
COPY --from=one /one /one
RUN sh -c 'seq 2000 > /two; sleep 0.05'
"""


def killed(root: Root, seconds: float, *arguments: str) -> bool:
    """Starts a command and kills it, and it alone, after a time; False if it had ended by then."""
    process = root.start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True


def duration(root: Root, *arguments: str) -> float:
    """How long a command takes here, in seconds."""
    begun = time.monotonic()
    root.cli(*arguments, check=True)
    return time.monotonic() - begun


def points(whole: float, count: int = POINTS) -> list[float]:
    """Moments spread over a command's time, without the interpreter's start; never the same."""
    begin = min(0.05, whole / 3)
    return [begin + (whole - begin) * (n + random.random()) / count for n in range(count)]


def works(root: Root) -> None:
    """The next command finds nothing in its way."""
    done = root.cli("run", "--rm", "busybox", "echo", "works")
    assert (done.returncode, done.stdout) == (0, "works\n"), done.stderr


def settled(root: Root) -> str:
    """What ``ps`` shows. A program that the killed command was about to execute may hold its
    locks for an instant more."""
    deadline = time.monotonic() + 2
    while True:
        done = root.cli("ps", "-a", "--format", "{{.Names}} {{.State}}", check=True)
        if "created" not in done.stdout or time.monotonic() > deadline:
            return done.stdout.strip()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "file").write_text("x" * 100000)
    return tmp_path


@pytest.mark.parametrize(
    "options", [("--rm", "-p", "0:80"), ("--network", "none"), ("-v", "data:/etc", "-v", "/anon")]
)
def test_run(root: Root, options: tuple[str, ...]) -> None:
    command = ("run", *options, "busybox", "sh", "-c", "sleep 0.05")
    for moment in points(duration(root, *command)):
        killed(root, moment, *command)
        works(root)
        assert root.leftovers() == [], moment


def test_run_detached(root: Root) -> None:
    command = ("run", "-d", "--name", "box", "-p", "0:80", "busybox", "sleep", "300")
    whole = duration(root, *command)
    root.cli("rm", "-f", "box", check=True)
    for moment in points(whole):
        killed(root, moment, *command)
        assert settled(root) in {"", "box running"}, moment
        works(root)
        assert root.leftovers() == [], moment


@pytest.mark.parametrize("command", ["rm -f box", "stop -t 0 box", "kill box"])
def test_ending(root: Root, command: str) -> None:
    run = ("run", "-d", "--name", "box", "-p", "0:80", "busybox", "sleep", "300")
    root.cli(*run, check=True)
    whole = duration(root, *command.split())
    for moment in points(whole):
        root.cli("rm", "-f", "box")
        root.cli(*run, check=True)
        killed(root, moment, *command.split())
        works(root)
        again = root.cli("rm", "-f", "box")
        assert again.returncode == 0 or "no such container" in again.stderr.lower()
        assert root.leftovers() == [], moment


def test_start(root: Root) -> None:
    root.cli("run", "--name", "box", "-p", "0:80", "busybox", "true", check=True)
    whole = duration(root, "start", "box")
    for moment in points(whole):
        killed(root, moment, "start", "box")
        works(root)
        assert root.cli("start", "box").returncode == 0, moment
    assert root.leftovers() == []


def test_build(root: Root, context: Path) -> None:
    command = ("build", "--no-cache", "-t", "made", str(context))
    whole = duration(root, *command)
    root.cli("rmi", "made", check=True)
    for moment in points(whole, 2 * POINTS):
        if killed(root, moment, *command):
            with root.engine() as engine, contextlib.suppress(NotFound):
                assert engine.images.find("made").layers  # named is complete
        works(root)
        root.cli("builder", "prune", "-f", "-a")
        assert root.leftovers() == [], moment
    assert root.cli(*command).returncode == 0


MOUNTS = (
    "target=/m,rw", "from=one,target=/m", "from=one,target=/m,rw", "type=cache,target=/m",
    "type=cache,target=/m,from=one,sharing=locked", "type=tmpfs,target=/m", "type=secret,id=s",
    "type=secret,id=s,env=S", "type=ssh",
)  # fmt: skip


def test_build_with_mounts(root: Root, context: Path, key: Path) -> None:
    """Each kind of mount, alone and all at once: nothing stays, and caches work afterwards."""
    (context / "token").write_text("a secret of the test")
    begin = "FROM busybox AS one\nRUN seq 100 > /one\nFROM busybox\n"
    flags = ("--secret", f"id=s,src={context}/token", "--ssh", f"default={key}")
    command = ("build", "--no-cache", *flags, "-t", "made", str(context))
    together = " ".join(
        f"--mount={mount.replace('/m', f'/m{n}')}" for n, mount in enumerate(MOUNTS)
    )
    for mount in (*(f"--mount={each}" for each in MOUNTS), together):
        (context / "Dockerfile").write_text(f"{begin}RUN {mount} sleep 0.05\n")
        for moment in points(duration(root, *command), 3 * SOAK):
            killed(root, moment, *command)
            works(root)
            assert root.leftovers() == [], (mount, moment)
    assert root.cli(*command).returncode == 0
    root.cli("rmi", "-f", "made")
    root.cli("builder", "prune", "-f", "-a", check=True)
    assert os.listdir(root.paths.caches) == []


@pytest.fixture
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_build_keeps_its_finished_steps(
    root: Root, context: Path, number: signal.Signals
) -> None:
    """The second step is cached by the next build, though the third never came to its end."""
    done = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /made\n"
    (context / "Dockerfile").write_text(f"{done}RUN sleep 600\n")
    process = root.start("build", str(context), stderr=subprocess.PIPE)
    with root.engine() as engine:
        until(engine.build_cache)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    if number == signal.SIGINT:
        assert (
            process.returncode,
            "build canceled, what is done is kept for the next try" in errors,
        ) == (130, True), errors
    works(root)
    assert root.leftovers() == []
    (context / "Dockerfile").write_text(f"{done}RUN true\n")
    again = root.cli("build", "--progress", "plain", str(context), check=True).stderr

    assert "#2 CACHED" in again, again


def test_a_killed_build_loses_nothing_that_was_done(root: Root, context: Path) -> None:
    root.cli("build", "-t", "made", str(context), check=True)
    before = root.engine().images.find("made").id
    (context / "file").write_text("changed")
    killed(root, 0.3, "build", "-t", "made", str(context))
    after = root.engine().images.find("made")

    assert after.id == before or after.layers
    assert root.cli("run", "--rm", "made", "cat", "/one").returncode == 0


@pytest.fixture
def bystanders(root: Root) -> Iterator[Callable[[], list[subprocess.Popen[str]]]]:
    """Commands that work on the root meanwhile, and must not notice."""
    started: list[subprocess.Popen[str]] = []

    def start() -> list[subprocess.Popen[str]]:
        fresh = [
            root.start("run", "--rm", "busybox", "sh", "-c", "sleep 0.2; echo fine"),
            root.start("run", "--rm", "-p", "0:80", "busybox", "echo", "fine"),
        ]
        started.extend(fresh)
        return fresh

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_others_at_work_do_not_notice(
    root: Root, context: Path, bystanders: Callable[[], list[subprocess.Popen[str]]]
) -> None:
    commands = (
        ("run", "--rm", "-p", "0:80", "busybox", "sleep", "0.1"),
        ("build", "--no-cache", "-t", "made", str(context)),
    )
    for command in commands:
        for moment in points(duration(root, *command), 3 * SOAK):
            others = bystanders()
            killed(root, moment, *command)
            for other in others:
                out, err = other.communicate(timeout=60)
                assert (other.returncode, out) == (0, "fine\n"), (command, moment, err)
            works(root)
    root.cli("builder", "prune", "-f", "-a")
    assert root.leftovers() == []


def test_everything_goes_after_everything_was_killed(root: Root, context: Path) -> None:
    """Several at once, all killed; then the images go, and nothing is left at all."""
    for moment in points(0.5, 2 * SOAK):
        running = [
            root.start("run", "-d", "-p", "0:80", "busybox", "sleep", "300"),
            root.start("run", "--rm", "busybox", "sleep", "300"),
            root.start("build", "--no-cache", str(context)),
        ]
        time.sleep(moment)
        for process in running:
            process.kill()
            process.communicate()
        works(root)
    root.empty()
    for image in root.engine().images.list():
        root.cli("rmi", "-f", image.id, check=True)
    root.cli("builder", "prune", "-f", "-a")

    assert root.leftovers() == []
    assert os.listdir(root.paths.layers) == []


def test_a_trial_of_the_runtime_goes_wherever_its_command_was_killed(root: Root) -> None:
    for place in ("probe-crun-1", "probe-runc-2/rootfs"):  # its directories come one by one
        os.makedirs(f"{root.paths.run}/{place}")
    root.cli("ps", check=True)
    assert root.leftovers() == []

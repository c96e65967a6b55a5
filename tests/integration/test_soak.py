"""Many containers, 8 at a time, while commands, monitors and the controller are killed at random.

Whatever survives must have told the truth, and in the end nothing may be left. ``DOCKYARD_SOAK``
makes it 500 containers and 100 at once, as ``make soak`` does.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.processes import commands
from tests.support.roots import Root

LONG = bool(os.environ.get("DOCKYARD_SOAK"))
CONTAINERS = 500 if LONG else 32
AT_ONCE = 100 if LONG else 16
WORKERS = 8
KILLED = -int(signal.SIGKILL)
WATCHED = (
    (),
    ("--restart", "unless-stopped"),
    ("--health-cmd", "true", "--health-interval", "1s"),
)
"""Nothing, or something that the controller is there for."""


class Soak:
    """What the workers and the killer share."""

    def __init__(self, root: Root, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.robbed: set[str] = set()
        """Names of those whose monitor was killed: their start may fail, their code is lost."""
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.kills = {"command": 0, "monitor": 0, "controller": 0}

    def command(self, *arguments: str, may_die: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command, and one in four times kills it at some moment."""
        process = self.root.start(*arguments)
        deadline = self.random.uniform(0.03, 0.3) if self.random.random() < 0.25 else None
        try:
            out, err = process.communicate(timeout=deadline if may_die else 120)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        self.kills["command"] += process.returncode == KILLED
        if process.returncode not in {0, KILLED} and "unexpected" in err:
            self.wrong.append(f"{' '.join(arguments)}: {err}")
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def expect(self, what: str, *, holds: bool, seen: object) -> None:
        """Notes what was reported wrongly."""
        if not holds:
            self.wrong.append(f"{what}: {seen}")


def inspected(soak: Soak, name: str) -> dict[str, object] | None:
    done = soak.command("inspect", name, may_die=False)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def a_program_that_ends(soak: Soak, name: str) -> None:
    """Its exit code and its output are told exactly."""
    code = soak.random.randrange(200)
    done = soak.command("run", "--name", name, *network(soak), "busybox", "sh", "-c",
                        f"echo {name}; sleep 0.1; exit {code}")  # fmt: skip
    if done.returncode == KILLED:
        return
    found = inspected(soak, name)
    robbed = name in soak.robbed
    soak.expect(f"{name} ended", holds=robbed or done.returncode == code, seen=(done, code))
    soak.expect(f"{name} printed", holds=robbed or done.stdout == f"{name}\n", seen=done)
    soak.expect(f"{name} stayed", holds=robbed or found is not None, seen=done)
    if found is not None and not robbed:
        state = found["State"]
        assert isinstance(state, dict)
        soak.expect(f"{name} says", holds=state["ExitCode"] == code, seen=state)
        logs = soak.command("logs", name, may_die=False)
        soak.expect(f"{name} logged", holds=logs.stdout == f"{name}\n", seen=logs)


def a_service(soak: Soak, name: str) -> None:
    """It is used, looked at and stopped."""
    kept = soak.random.choice(WATCHED)
    started = soak.command("run", "-d", "--name", name, *network(soak), *kept, "busybox",
                           "sh", "-c", f"echo {name}; trap 'exit 7' TERM; while :; do sleep 0.1;"
                           " done")  # fmt: skip
    if started.returncode == KILLED:
        return
    if started.returncode != 0:
        soak.expect(f"{name} started", holds=name in soak.robbed, seen=started)
        return
    for _ in range(2):
        used = soak.command("exec", name, "echo", name)
        if used.returncode not in {0, KILLED} and name not in soak.robbed:
            soak.expect(f"{name} used", holds=False, seen=used)
        if used.returncode == 0:
            soak.expect(f"{name} answered", holds=used.stdout == f"{name}\n", seen=used)
    stopped = soak.command("stop", "-t", "5", name)
    if stopped.returncode == KILLED:
        return
    soak.expect(f"{name} was stopped", holds=stopped.returncode == 0, seen=stopped)
    found = inspected(soak, name)
    state = found and found["State"]
    assert isinstance(state, dict), (name, stopped)
    soak.expect(f"{name} stopped", holds=state["Status"] == "exited", seen=state)
    if name not in soak.robbed:
        soak.expect(f"{name} stopped so", holds=state["ExitCode"] == 7, seen=state)
    again = soak.command("start", name)
    if again.returncode not in {0, KILLED}:
        soak.expect(f"{name} started again", holds=name in soak.robbed, seen=again)


def one_that_goes_by_itself(soak: Soak, name: str) -> None:
    """``--rm``: a command that comes to its end leaves nothing by that name."""
    done = soak.command("run", "--rm", "--name", name, *network(soak), "busybox", "echo", name)
    if done.returncode == KILLED:
        return
    robbed = name in soak.robbed
    soak.expect(f"{name} ended", holds=robbed or done.returncode == 0, seen=done)
    soak.expect(f"{name} printed", holds=robbed or done.stdout == f"{name}\n", seen=done)
    soak.expect(f"{name} went", holds=inspected(soak, name) is None, seen=("still there", done))


def network(soak: Soak) -> tuple[str, ...]:
    return () if soak.random.random() < 0.5 else ("--network", "none")


LIVES: tuple[Callable[[Soak, str], None], ...] = (
    a_program_that_ends, a_service, one_that_goes_by_itself,
)  # fmt: skip


def live(soak: Soak, number: int) -> None:
    """One container from its start until nothing knows it any more."""
    name = f"soak-{number}"
    soak.random.choice(LIVES)(soak, name)
    for _ in range(5):
        done = soak.command("rm", "-f", "-v", name)
        if done.returncode == 0:
            break
    else:
        done = soak.command("rm", "-f", "-v", name, may_die=False)
    soak.expect(f"{name} removed", holds=done.returncode == 0, seen=done)
    soak.expect(f"{name} gone", holds=inspected(soak, name) is None, seen="still there")


def kill_at_random(soak: Soak) -> None:
    """Until all is over: now and then a monitor or the controller of this root."""
    while not soak.over.wait(soak.random.uniform(0.3, 1.2)):
        processes = list(ours(soak.root))
        if not processes:
            continue
        pid, words = soak.random.choice(processes)
        kind = "monitor" if os.path.basename(words[0]) == "conmon" else "controller"
        if kind == "monitor":
            soak.robbed.add(words[words.index("--name") + 1])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        soak.kills[kind] += 1


def ours(root: Root) -> Iterator[tuple[int, list[str]]]:
    """Monitors of this root, and its controller."""
    for pid, words in commands():
        belongs = any(word.startswith((root.paths.root, root.paths.run)) for word in words)
        is_monitor = os.path.basename(words[0]) == "conmon" and "--cid" in words
        is_controller = any(word.endswith("/controller/process.py") for word in words)
        if belongs and (is_monitor or is_controller):
            yield pid, words


@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_is_told_wrongly(root: Root) -> None:
    seed = random.randrange(1 << 32)
    soak = Soak(root, seed)
    killer = threading.Thread(target=kill_at_random, args=(soak,))
    killer.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(live, soak, number) for number in range(CONTAINERS)]:
                future.result()
    finally:
        soak.over.set()
        killer.join()
    print(f"{CONTAINERS} containers, seed {seed}, killed: {soak.kills}")
    assert soak.wrong == [], f"seed {seed}"
    assert not LONG or min(soak.kills.values()) > 0, soak.kills
    left = root.cli("ps", "-aq", check=True).stdout
    assert left == ""


@pytest.mark.timeout(1800)
def test_many_at_once_and_what_they_cost(root: Root) -> None:
    def start(number: int) -> str:
        return root.cli("run", "-d", "--name", f"many-{number}", "busybox", "sh", "-c",
                        "echo up; sleep 3600", check=True).stdout.strip()  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        ids = list(pool.map(start, range(AT_ONCE)))
    begun = time.monotonic()
    assert len(set(root.cli("ps", "-q", "--no-trunc", check=True).stdout.split())) == AT_ONCE
    addresses = root.cli("inspect", "-f", "{{.NetworkSettings.IPAddress}}", *ids, check=True)
    assert len(set(addresses.stdout.split())) == AT_ONCE
    pages = [proportional_bytes(pid) for pid, _ in ours(root)]
    print(
        f"{AT_ONCE} containers at once: {sum(pages) / AT_ONCE / (1 << 20):.2f} MiB of ours for"
        f" each, in {len(pages)} processes; ps and inspect took {time.monotonic() - begun:.2f} s"
    )
    assert root.cli("exec", "many-7", "cat", "/proc/1/comm").stdout == "sleep\n"
    root.cli("rm", "-f", *ids, check=True, timeout=600)
    assert root.cli("ps", "-aq", check=True).stdout == ""


def proportional_bytes(pid: int) -> int:
    """A process's memory, with its part of what it shares (Pss)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0

"""Held-open load from none to eight replicas and back, while parts are killed at random.

What clients see is counted: on an idempotent route nothing may fail, whatever is killed. On another
one those may that were in flight in a killed replica, or held by a killed activator, and no more.
``DOCKYARD_SOAK`` has it go around for half an hour.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from bench.load.model import Plan, Record, Shape, Step
from tests.support import served
from tests.support.load import Load
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard.serving import programs

SOAK = bool(os.environ.get("DOCKYARD_SOAK"))
WHOLE_SECONDS = 1800.0 if SOAK else 180.0
"""A cycle that has begun comes to its end."""
PHASE_SECONDS = 240
LARGE = 3 << 20
MANY, FEW, ONCE = 20, 1, 4
"""Requests that are held: so many that the first service needs all its replicas, and so on."""
GRACE = 5
AT_ONCE = 4
LOST = {"once": AT_ONCE, "activator": 2 * ONCE}
"""How many requests of the other route may go with what is killed: those in flight in a replica;
those held by the activator, or taken by its socket before the kernel has closed that."""
BEFORE, AFTER = 0.1, 3.0
"""Seconds around a kill in which a request that it broke was under way."""
APART = 12.0
"""Seconds between two kills of one service's replicas: what ends again and again before it has
served for ten seconds is a crash loop, and its clients are told so."""
FILE = f"""
name: load
x-replica: &replica
  environment: {{WORK_SECONDS: "0.2"}}
  stop_grace_period: 5s
  deploy: {{resources: {{limits: {{memory: 64M}}}}}}
services:
  safe:
    <<: *replica
    image: demo-serve:1
    x-dockyard:
      route: {{path: /safe, listen: "127.0.0.1:${{PORT}}"}}
      port: 8000
      ready: {{path: /healthz}}
      scale: {{min: 0, max: 8, target: 2}}
      grace: {GRACE}s
      timeout: 60s
      idempotent: true
  safe-next:
    <<: *replica
    image: demo-serve:2
    x-dockyard: {{variant_of: safe, weight: 0}}
  once:
    <<: *replica
    image: demo-serve:1
    environment: {{WORK_SECONDS: "0.1", AT_ONCE: "{AT_ONCE}"}}
    x-dockyard:
      route: {{path: /once, listen: "127.0.0.1:${{PORT}}"}}
      port: 8000
      ready: {{path: /healthz}}
      scale: {{min: 0, max: 2, target: 2}}
      concurrency: {AT_ONCE}
      grace: 5s
      timeout: 60s
"""


class Kill(msgspec.Struct, frozen=True):
    """What was killed, and when."""

    at: float
    what: str


class Killer:
    """Kills replicas, the controller and the activator at random, as long as it is let."""

    def __init__(self, stack: served.Stack, seed: int) -> None:
        self._stack = stack
        self._random = random.Random(seed)
        self._over = threading.Event()
        self.may_kill: tuple[str, ...] = ()
        """Services, ``controller`` and ``activator``."""
        self.kills: list[Kill] = []
        self._last: dict[str, float] = {}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Kills until the block's end."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._random.uniform(1, 5)):
            if not self.may_kill:
                continue
            what = self._random.choice(self.may_kill)
            is_program = what in {"controller", "activator"}
            if not is_program and time.time() - self._last.get(what, 0) < APART:
                continue
            process = self._process(what)
            if process:
                with contextlib.suppress(ProcessLookupError):
                    at = self._last[what] = time.time()
                    os.kill(process, signal.SIGKILL)
                    self.kills.append(Kill(at, what))

    def _process(self, what: str) -> int:
        if what in {"controller", "activator"}:
            kept = programs.status(self._stack.root.paths)[what]
            return kept.process.pid if kept and kept.process and kept.alive else 0
        found = self._stack.containers(what)
        if not found:
            return 0
        chosen = self._random.choice(found)
        done = self._stack.root.cli("inspect", "--format", "{{.State.Pid}}", chosen)
        return int(done.stdout) if done.returncode == 0 else 0


class Loads:
    """The load on both services, which changes with the phases."""

    def __init__(self, stack: served.Stack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory
        self._running: list[Load] = []
        self.records: list[Record] = []

    def change(self, safe: int, once: int) -> None:
        """Holds so many requests to each from now on; those that were under way come to an end.

        The new load begins before the old one ends.
        """
        before = self._running
        self._running = [self._begin("safe", safe), self._begin("once", once)]
        self._end(before)

    def stop(self) -> None:
        """Sends nothing more."""
        running, self._running = self._running, []
        self._end(running)

    def trickle(self) -> None:
        """A few single requests, a little further apart than the grace time."""
        shape = Shape(name="safe", method="POST", path="/safe", text="{}", echo=True)
        steps = (Step(rate=1 / (GRACE + 0.6), seconds=3 * (GRACE + 0.6)),)
        plan = Plan(url=self._stack.url, shapes=(shape,), timeout=90, steps=steps)
        self.records += Load(plan, self._directory).wait()

    def kill(self) -> None:
        """For a test that failed."""
        for each in self._running:
            each.end()

    def _begin(self, service: str, held: int) -> Load:
        small = Shape(name=service, method="POST", path=f"/{service}", text="{}", echo=True,
                      weight=0.95)  # fmt: skip
        large = Shape(name=f"{service} 3 MB", method="POST", path=f"/{service}", body=LARGE,
                      echo=True, weight=0.05)  # fmt: skip
        plan = Plan(url=self._stack.url, shapes=(small, large), timeout=90, seed=len(self.records),
                    steps=(Step(held=held, seconds=3000),))  # fmt: skip
        return Load(plan, self._directory)

    def _end(self, loads: Sequence[Load]) -> None:
        for each in loads:
            self.records += each.stop()


@pytest.mark.long
@pytest.mark.timeout(WHOLE_SECONDS + 6 * PHASE_SECONDS + served.BUILD_SECONDS)
def test_no_request_is_lost_between_none_and_eight_replicas(
    make_root: Callable[..., Root], tmp_path: Path
) -> None:
    stack = served.Stack(served.furnished(make_root, served.SMALL), "serve-demo")
    (stack.directory / "compose.yaml").write_text(FILE)
    stack.compose("up", "-d")
    killer = Killer(stack, seed=time.time_ns())
    loads = Loads(stack, tmp_path)
    end = time.monotonic() + WHOLE_SECONDS
    canaries = ("safe-next", "safe")
    try:
        with killer.at_work():
            go_around(stack, killer, loads, canaries[0])
            while time.monotonic() < end:
                canaries = canaries[1], canaries[0]
                go_around(stack, killer, loads, canaries[0])
    finally:
        loads.kill()
    counted_apart(loads.records, killer.kills)
    assert stack.ask("/safe", b"x").status == 200
    stack.compose("down")
    assert stack.root.cli("ps", "-aq", check=True).stdout == ""


def go_around(stack: served.Stack, killer: Killer, loads: Loads, canary: str) -> None:
    """Up to eight, another version, down to one, and to none; then a request now and then, each of
    which comes as the last replica goes, or has gone."""
    stable = "safe" if canary == "safe-next" else "safe-next"
    killer.may_kill = (stable, "once", "controller", "activator")
    loads.change(MANY, ONCE)
    until(lambda: replicas(stack, stable) == 8, PHASE_SECONDS)
    time.sleep(10)
    killer.may_kill = (stable, canary, "controller", "activator")
    until(lambda: promoted(stack, canary), PHASE_SECONDS)
    killer.may_kill = (canary, "once", "controller", "activator")
    loads.change(FEW, FEW)
    until(lambda: replicas(stack, canary) == 1 and replicas(stack, stable) == 0, PHASE_SECONDS)
    killer.may_kill = ("controller", "activator")
    loads.stop()
    loads.trickle()
    until(lambda: not any(replicas(stack, each) for each in (canary, stable, "once")),
          PHASE_SECONDS)  # fmt: skip
    killer.may_kill = ()


def replicas(stack: served.Stack, service: str) -> int:
    return len(stack.containers(service))


def promoted(stack: served.Stack, canary: str) -> bool:
    """Whether the canary has all of the traffic. One that is rolled back begins anew: with parts
    killed around it, and others at work on the machine, it may have been slow."""
    done = stack.root.cli("rollout", "status", "--format", "json", "safe")
    found = json.loads(done.stdout or "{}")
    if found.get("Canary") == canary and found["State"] == "running":
        return False
    if found.get("Canary") == canary and found["State"] == "promoted":
        return True
    stack.root.cli("rollout", "start", "--steps", "25,50", "--pause", "3s", canary, check=True)
    return False


def counted_apart(records: Sequence[Record], kills: Sequence[Kill]) -> None:
    """No failure on the idempotent route; on the other one no more than a kill explains."""
    killed = Counter(kill.what for kill in kills)
    counts = Counter((record.name, record.kind) for record in records)
    print(f"killed: {dict(killed)}; requests: {dict(counts)}")
    failed = [record for record in records if record.kind != "ok"]
    left = [LOST.get(kill.what, 0) for kill in kills]
    unexplained = []
    for one in failed:
        index = next((i for i, kill in enumerate(kills) if left[i] and explains(kill, one)), None)
        if one.name.startswith("safe") or index is None:
            unexplained.append(told(one, kills))
        else:
            left[index] -= 1
    assert not unexplained, "\n".join(unexplained)
    names = ("safe", "safe 3 MB", "once", "once 3 MB")
    assert all(counts[name, "ok"] > 0 for name in names)
    assert {"1", "2"} <= {record.version for record in records}
    assert {"controller", "activator", "once"} <= killed.keys()
    assert killed["safe"] + killed["safe-next"] > 0


def told(record: Record, kills: Sequence[Kill]) -> str:
    """A failure, and what was killed around it."""
    near = [
        f"{kill.what} {kill.at - record.at:+.2f} s"
        for kill in kills
        if record.at - AFTER <= kill.at <= record.end + AFTER
    ]
    what = f"{record.name}: {record.kind} {record.status} after {record.seconds:.2f} s"
    return f"{what}; killed after its begin: {', '.join(near) or 'nothing'}; {record.detail[:150]}"


def explains(kill: Kill, record: Record) -> bool:
    """True where a request was under way at that moment."""
    return record.at - BEFORE <= kill.at <= record.end and record.end - kill.at <= AFTER

"""Rollouts of served services: a bad canary, one that never comes up, and one that is promoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.load.model import Plan, Step
from tests.support.load import Load
from tests.support.roots import Root
from tests.support.serving import Stand

from dockyard.serving.gateway.access_log import Reader, Request
from dockyard.serving.places import Serving

RATE = 50
"""Requests a second to the service."""
NO_VERDICT_BEFORE = 50
ROLLED_BACK_WITHIN = 10.0
"""Seconds from the canary's fiftieth answer to its last one."""


@pytest.fixture
def stand(root: Root, tmp_path: Path) -> Stand:
    return Stand(root, tmp_path)


def rollout(stand: Stand) -> dict[str, str]:
    """The last one, as ``rollout status`` shows it."""
    done = stand.root.cli("rollout", "status", "web", "--format", "json", check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def end(line: Request) -> float:
    return float(line.at) + (line.duration or 0.0) / 1000


def test_a_bad_canary_is_rolled_back_within_ten_seconds(stand: Stand, tmp_path: Path) -> None:
    """Half of its requests fail, of 50 a second to the service."""
    stand.write(
        web=stand.service({"scale": {"min": 1, "max": 1}}),
        next=stand.service({"variant_of": "web", "weight": 0},
                           environment={"VERSION": "2", "FAIL_EVERY": "2"}),
    )  # fmt: skip
    stand.up()
    steps = (Step(rate=RATE, seconds=60),)
    load = Load(Plan(url=f"http://127.0.0.1:{stand.port}/", steps=steps), tmp_path)
    try:
        stand.root.cli("rollout", "start", "next", "--steps", "50,100", "--pause", "5s", check=True)
        stand.until(lambda: rollout(stand)["State"] == "rolled-back", 40)
        lines = Reader(Serving(stand.root.paths).access_log)
        found: list[Request] = []

        def is_over() -> bool:  # it has gone on for a second without the canary
            found.extend(lines.read())
            return [line.target for line in found[-RATE:]] == ["demo.web"] * RATE

        stand.until(is_over)
    finally:
        load.stop()
    canary = [line for line in found if line.target == "demo.next"]
    assert len(canary) >= NO_VERDICT_BEFORE
    assert end(canary[-1]) - end(canary[NO_VERDICT_BEFORE - 1]) <= ROLLED_BACK_WITHIN
    assert {line.status for line in found if line.target == "demo.web"} == {200}
    assert rollout(stand)["Why"].startswith("requests fail: ")
    assert "rollback" in stand.root.cli("explain", "next", check=True).stdout


def test_one_that_crashes_is_rolled_back_and_a_good_one_is_promoted(stand: Stand) -> None:
    def canary(**environment: str) -> dict[str, object]:
        return stand.service({"variant_of": "web", "weight": 0}, environment=environment)

    stand.write(
        web=stand.service({"scale": {"min": 1, "max": 1}}),
        bad=canary(CRASH="minilm"),
        good=canary(VERSION="2"),
    )
    stand.up()
    stand.root.cli("rollout", "start", "bad", check=True)
    stand.until(lambda: rollout(stand)["State"] == "rolled-back")
    assert "demo-bad-1 exited with code 3" in rollout(stand)["Why"]
    assert stand.get().body.split()[0] == "1"
    stand.root.cli("rollout", "start", "good", check=True)
    stand.until(lambda: stand.row("good")["Share"] == "10%")
    done = stand.root.cli("rollout", "promote", "web", check=True)
    assert done.stdout == "good: promoted\n"
    stand.until(lambda: {stand.get().body.split()[0] for _ in range(20)} == {"2"})
    assert stand.row("good")["Share"] == "100%"
    again = stand.root.cli("rollout", "promote", "web")
    assert (again.returncode, "no rollout of web goes on" in again.stderr) == (1, True)

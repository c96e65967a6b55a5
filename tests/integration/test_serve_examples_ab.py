"""examples/serve-ab as a user has it: two versions, and which share of the visitors each gets.

With ``DOCKYARD_SOAK`` over 20,000 requests.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.load.model import Plan, Shape, Step
from bench.load.summary import render, summarise
from tests.support import served
from tests.support.load import Load
from tests.support.roots import Root
from tests.support.served import Stack
from tests.support.waiting import until

TEXT = {"text": "It was Monday. Bees sleep. Bees make honey.", "sentences": 1}
SUMMARIES = {"1": "It was Monday.", "2": "Bees sleep."}
BY_CHANCE = 0.001
SPLIT_SECONDS = 100 if os.environ.get("DOCKYARD_SOAK") else 15
"""20,000 requests, or 3,000."""


@pytest.mark.long
@pytest.mark.timeout(served.BUILD_SECONDS + 300)
def test_two_versions_get_their_shares_and_keep_their_visitors(
    make_root: Callable[..., Root], tmp_path: Path
) -> None:
    stack = Stack(served.furnished(make_root, served.SMALL), "serve-ab")
    stack.compose("up", "-d", "--wait")
    until(lambda: shares(stack, tmp_path, 1).keys() == {"1", "2"}, served.PATIENCE_SECONDS)
    assert chance(shares(stack, tmp_path, SPLIT_SECONDS), {"1": 90, "2": 10}) > BY_CHANCE
    visitors_stay_with_what_they_got(stack)
    stack.root.cli("traffic", "set", "summary=50", "summary-next=50", check=True)
    until(lambda: even(shares(stack, tmp_path, 1)))
    assert chance(shares(stack, tmp_path, 5), {"1": 50, "2": 50}) > BY_CHANCE
    stack.compose("down")
    assert stack.root.cli("ps", "-aq", check=True).stdout == ""


def shares(stack: Stack, directory: Path, seconds: float) -> dict[str, int]:
    """How many of 200 requests a second each version answers, none of which may fail."""
    shape = Shape(method="POST", path="/summary", text=json.dumps(TEXT), expect='"summary"')
    steps = (Step(rate=200, seconds=seconds),)
    summary = summarise(Load(Plan(url=stack.url, steps=steps, shapes=(shape,)), directory).wait())
    assert summary.failed == 0, render(summary)
    return summary.versions


def visitors_stay_with_what_they_got(stack: Stack) -> None:
    seen = set()
    for _ in range(60):
        first = stack.ask("/summary", TEXT)
        version = first.json()["version"]
        assert first.json()["summary"] == SUMMARIES[version]
        cookie = first.headers["set-cookie"].partition(";")[0]
        again = [stack.ask("/summary", TEXT, Cookie=cookie).json()["version"] for _ in range(5)]
        assert again == [version] * 5
        seen.add(version)
        if len(seen) == 2:
            return
    pytest.fail("of 60 visitors none got the second version")


def even(found: dict[str, int]) -> bool:
    """Rather half and half than nine to one."""
    return found.get("2", 0) > 0.3 * sum(found.values())


def chance(found: dict[str, int], weights: dict[str, int]) -> float:
    """How probable it is that such a split, or a worse one, comes by chance (chi-square)."""
    total, whole = sum(found.values()), sum(weights.values())
    wanted = {name: total * weight / whole for name, weight in weights.items()}
    squares = sum((found.get(name, 0) - n) ** 2 / n for name, n in wanted.items())
    return math.erfc(math.sqrt(squares / 2))

"""Whole rollouts with random requests, through the code that decides on real ones."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import msgspec
import pytest

from dockyard.serving.decide import rollout, traffic
from dockyard.serving.decide.model import Criteria, Rollout, Step, Traffic

BOUNDS = (0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)
"""Of Envoy's histograms."""
TICK = 2.0
MANY = 1000 if os.environ.get("DOCKYARD_SOAK") else 100

Latency = Callable[[random.Random], float]


def usual(dice: random.Random) -> float:
    """Milliseconds with a long tail: a median of 30, one in a hundred beyond 300."""
    return dice.lognormvariate(3.4, 1.0)


def none(dice: random.Random) -> float:
    return 0.1


class Run(msgspec.Struct):
    """A rollout with the seconds it took, and when the canary's 50th request came."""

    rollout: Rollout
    seconds: float
    fiftieth: float


def roll(
    seed: int, failing: float, stable_failing: float, *, rate: int = 20, latency: Latency = none,
    stable_latency: Latency = none, criteria: Criteria = rollout.DEFAULT_CRITERIA,
) -> Run:  # fmt: skip
    """A rollout of a service that gets ``rate`` requests a second, until it is over."""
    dice = random.Random(seed)
    one = rollout.begin(
        "p", "s", "canary", {"stable": 100, "canary": 0}, 0.0, criteria=criteria,
        steps=[Step(weight=10, pause=40), Step(weight=50, pause=40)],
    )  # fmt: skip
    canary, stable, now, fiftieth = Counts(), Counts(), 0.0, 0.0
    while traffic.is_active(one) and now < 3600:
        now += TICK
        came = canary.requests
        for _ in range(int(rate * TICK)):
            if 100 * dice.random() < one.steps[one.step].weight:
                canary.add(dice.random() < failing, latency(dice))
            else:
                stable.add(dice.random() < stable_failing, stable_latency(dice))
        fiftieth = fiftieth or (now if canary.requests >= 50 else 0.0)
        one = rollout.observed(one, TICK, canary.requests - came)
        verdict = rollout.verdict(one, canary.traffic(), stable.traffic(), now)
        one = rollout.advance(one, verdict, now, stable.traffic())
        if verdict.action == "advance":
            canary, stable = Counts(), Counts()
    return Run(one, now, fiftieth)


class Counts:
    """What the gateway counts."""

    def __init__(self) -> None:
        self.requests = self.errors = 0
        self.buckets = [0] * (len(BOUNDS) + 1)

    def add(self, failed: bool, latency: float) -> None:
        self.requests += 1
        self.errors += failed
        place = next((n for n, bound in enumerate(BOUNDS) if latency <= bound), len(BOUNDS))
        self.buckets[place] += 1

    def traffic(self) -> Traffic:
        counted, latencies = 0, {}
        for bound, count in zip((*BOUNDS, float("inf")), self.buckets, strict=True):
            counted += count
            latencies[bound] = counted
        return Traffic(requests=self.requests, errors=self.errors, latencies=latencies)


def ends(runs: list[Run]) -> tuple[int, int]:
    """How many were promoted, and how many rolled back."""
    states = [run.rollout.state for run in runs]
    return states.count("promoted"), states.count("rolled-back")


@pytest.mark.parametrize("failing", [0.0, 0.01, 0.05, 0.15])
def test_an_equal_version_is_next_to_never_rolled_back(failing: float) -> None:
    """At most 2 of 100; all others are promoted."""
    promoted, rolled_back = ends([roll(seed, failing, failing) for seed in range(MANY)])

    assert rolled_back <= 2 * MANY // 100
    assert promoted + rolled_back == MANY


def test_an_equally_slow_version_is_next_to_never_rolled_back() -> None:
    runs = [roll(seed, 0.01, 0.01, latency=usual, stable_latency=usual) for seed in range(MANY)]
    promoted, rolled_back = ends(runs)

    assert rolled_back <= 2 * MANY // 100
    assert promoted + rolled_back == MANY


def test_with_little_confidence_it_is_still_no_more_often_wrong() -> None:
    """One in ten is allowed here: the correction for looking often is what holds it."""
    criteria = Criteria(confidence=0.9, error_margin=0.0, requests=20)
    _, rolled_back = ends([roll(seed, 0.05, 0.05, criteria=criteria) for seed in range(MANY)])

    assert rolled_back <= MANY // 10


@pytest.mark.parametrize("stable_failing", [0.0, 0.05])
def test_a_bad_canary_is_rolled_back_within_ten_seconds_of_its_fiftieth_request(
    stable_failing: float,
) -> None:
    """Half of its requests fail, and the service gets 50 requests a second."""
    runs = [roll(seed, 0.5, stable_failing, rate=50) for seed in range(MANY)]

    assert ends(runs) == (0, MANY)
    assert max(run.seconds - run.fiftieth for run in runs) <= 10


def test_a_canary_that_fails_one_time_in_ten_is_found_out() -> None:
    promoted, rolled_back = ends([roll(seed, 0.1, 0.005) for seed in range(30)])

    assert (promoted, rolled_back) == (0, 30)


def test_a_slow_canary_is_found_out() -> None:
    def slow(dice: random.Random) -> float:
        return 5 * usual(dice)

    runs = [roll(seed, 0.0, 0.0, latency=slow, stable_latency=usual) for seed in range(30)]

    assert ends(runs) == (0, 30)
    assert all(run.rollout.why.startswith("requests are slow") for run in runs)


def test_a_stable_version_that_fails_as_much_is_no_reason_to_roll_back() -> None:
    """Nor to promote: the rollout waits, here until the hour is over."""
    runs = [roll(seed, 0.5, 0.5, rate=2) for seed in range(5)]

    assert [run.rollout.state for run in runs] == ["running"] * 5

"""Properties of decisions that follow each other, with replicas that take a while to be ready."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.serving.decide.model import History, Sample
from dockyard.serving.decide.scale import TOLERANCE, decide
from dockyard.serving.model import Metric, Scale

TICK = 2.0
GRACE = 30.0

METRICS = st.sampled_from(("concurrency", "rps", "cpu", "queue"))
BOUNDS = st.tuples(st.integers(0, 5), st.integers(1, 30)).map(
    lambda pair: (pair[0], max(pair[0], pair[1]))
)
LOADS = st.lists(st.floats(0, 500), min_size=1, max_size=80)


class Fleet:
    """Replicas under the decisions: each is ready ``delay`` seconds after it was asked for."""

    def __init__(self, scale: Scale, delay: float, replicas: int) -> None:
        self.scale, self.delay = scale, delay
        self.now = 1000.0
        self.started = [-math.inf] * replicas
        self.history = History()
        self.counts: list[int] = []

    @property
    def ready(self) -> int:
        return sum(self.now - start >= self.delay for start in self.started)

    def tick(self, load: float, requests: float, came: float = 0.0) -> int:
        sample = Sample(self.now, load, requests, came)
        decision = decide(self.scale, GRACE, self.history, self.ready, sample, self.now)
        self.history = decision.history
        self.started = self.started[: decision.replicas]
        self.started += [self.now] * (decision.replicas - len(self.started))
        self.now += TICK
        self.counts.append(decision.replicas)
        return decision.replicas

    def run(self, loads: Sequence[float]) -> list[int]:
        return [self.tick(load, load) for load in loads]


@given(METRICS, BOUNDS, LOADS, st.floats(0.1, 50), st.floats(0, 30), st.integers(0, 40),
       st.lists(st.floats(-100, 100), min_size=80, max_size=80))  # fmt: skip
def test_never_below_min_or_above_max(
    metric: Metric, bounds: tuple[int, int], loads: list[float], target: float, delay: float,
    replicas: int, steps: list[float],
) -> None:  # fmt: skip
    """Whatever the load, the clock and what there was before."""
    low, high = bounds
    fleet = Fleet(Scale(min=low, max=high, target=target, metric=metric), delay, replicas)
    for load, step in zip(loads, steps, strict=False):
        assert low <= fleet.tick(load, load) <= high
        fleet.now += step if abs(step) > 50 else 0.0


@settings(max_examples=40)
@given(st.floats(0.1, 100), st.floats(0.5, 20), st.floats(0, 40), st.integers(0, 12))
def test_a_constant_load_reaches_its_target_and_stays(
    load: float, target: float, delay: float, replicas: int
) -> None:
    fleet = Fleet(Scale(min=0, max=1000, target=target), delay, replicas)
    counts = fleet.run([load] * 200)[120:]
    needed = math.ceil(load / target - 1e-9)

    assert len(set(counts)) == 1
    assert (
        needed
        <= counts[0]
        <= math.ceil(load / target + 3 * math.sqrt(load / 30) / target + TOLERANCE * load / target)
    )


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 12), st.floats(0, 0.05))
def test_a_load_that_trembles_at_a_limit_does_not_make_replicas_come_and_go(
    seed: int, replicas: int, noise: float
) -> None:
    """A load of exactly so many replicas: every tremble would flip the rounding."""
    dice = random.Random(seed)
    fleet = Fleet(Scale(min=0, max=100, target=4), 10.0, 0)
    loads = [4.0 * replicas * (1 + dice.uniform(-noise, noise)) for _ in range(600)]
    counts = fleet.run(loads)[100:]
    changes = sum(one != other for one, other in itertools.pairwise(counts))

    assert changes <= 1
    assert set(counts) <= {replicas, replicas + 1}


@settings(max_examples=10, derandomize=True)  # chance may do anything if asked long enough
@given(st.integers(0, 2**32), st.floats(0.5, 8))
def test_requests_that_come_at_random_do_not_make_replicas_come_and_go(
    seed: int, mean: float
) -> None:
    """At a constant rate, for 20 minutes; a look sees what is there by chance."""
    dice = random.Random(seed)
    fleet = Fleet(Scale(min=1, max=100, target=4), 10.0, 1)
    loads = [max(dice.gauss(4 * mean, math.sqrt(4 * mean)), 0.0) for _ in range(660)]
    counts = fleet.run(loads)[60:]
    changes = sum(one != other for one, other in itertools.pairwise(counts))

    assert changes <= 6
    assert mean - 1 < min(counts)
    assert max(counts) <= math.ceil(mean + 1) + 1


@given(METRICS, st.integers(0, 3), st.integers(0, 12), st.floats(0.01, 64), st.floats(0, 60))
def test_without_traffic_nothing_grows(
    metric: Metric, low: int, replicas: int, load: float, delay: float
) -> None:
    """Processors may be as busy as they like (ray#61731: to the maximum without a request)."""
    fleet = Fleet(Scale(min=low, max=50, target=0.5, metric=metric), delay, replicas)
    for _ in range(90):
        fleet.tick(load, requests=0.0)

    assert max(fleet.counts) <= max(low, replicas)
    assert all(one >= other for one, other in itertools.pairwise(fleet.counts))
    assert fleet.counts[-1] == low


@given(METRICS, st.floats(0, 120))
def test_starting_replicas_do_not_multiply(metric: Metric, delay: float) -> None:
    """However long a start takes: what was asked for once isn't asked for again."""
    fleet = Fleet(Scale(min=1, max=50, target=1.0, metric=metric), delay, 1)
    for tick in range(200):
        load = 2.8 if 40 <= tick < 100 else 0.3
        fleet.tick(load, requests=load)

    assert max(fleet.counts) == 3


@given(st.lists(st.booleans(), min_size=1, max_size=120), st.floats(0, 20))
def test_zero_only_after_the_grace(busy: list[bool], delay: float) -> None:
    fleet = Fleet(Scale(min=0, max=5, target=1), delay, 1)
    last = fleet.now
    for one in busy:
        now = fleet.now
        last = now if one else last
        count = fleet.tick(float(one), float(one))
        assert (count == 0) == (now - last >= GRACE)


@given(st.floats(1, 200), st.floats(0, 30))
def test_from_zero_and_back(load: float, delay: float) -> None:
    fleet = Fleet(Scale(min=0, max=1000, target=4), delay, 0)
    assert fleet.run([0.0] * 20) == [0] * 20
    assert fleet.tick(load, load) == math.ceil(load / 4 - 1e-9)
    fleet.run([load] * 40)
    assert fleet.run([0.0] * 20)[-1] == 0


@settings(max_examples=30)
@given(st.integers(1, 20), st.lists(st.integers(0, 120), max_size=4), st.floats(20, 5000))
def test_a_restart_of_the_controller_changes_nothing(
    needed: int, restarts: list[int], away: float
) -> None:
    """A constant load, and a controller that is away now and then."""
    fleet = Fleet(Scale(min=0, max=100, target=4), 5.0, 0)
    fleet.run([4.0 * needed] * 60)
    expected = fleet.counts[-1]
    for tick in range(121):
        if tick in restarts:
            fleet.now += away
        assert fleet.tick(4.0 * needed, 4.0 * needed) == expected


@settings(max_examples=20)
@given(st.floats(1, 60))
def test_by_the_queue_a_constant_rate_settles(rate: float) -> None:
    """Requests that take a second each, before replicas that work on 4 at a time."""
    scale = Scale(min=0, max=100, target=8, metric="queue")
    now, history, replicas, counts, waiting = 1000.0, History(), 0, [], 0.0
    for _ in range(600):
        active = min(waiting + rate, 4.0 * replicas)
        waiting += rate - active
        sample = Sample(now, waiting, waiting + active)
        decision = decide(scale, GRACE, history, replicas, sample, now, limit=4)
        history, replicas = decision.history, decision.replicas
        counts.append(replicas)
        now += TICK

    assert len({*counts[-60:]}) == 1
    assert 4 * counts[-1] >= math.floor(rate)


@settings(max_examples=40)
@given(st.floats(0.5, 200), st.floats(0.5, 50), st.floats(0, 40), st.integers(0, 12))
def test_by_the_rate_quick_requests_reach_their_target_and_stay(
    rate: float, target: float, delay: float, replicas: int
) -> None:
    """They are over before a look could see them: only their number tells of them."""
    fleet = Fleet(Scale(min=0, max=1000, target=target, metric="rps"), delay, replicas)
    for _ in range(200):
        fleet.tick(rate, requests=0.0, came=rate * TICK)
    count = fleet.counts[-1]
    scatter = 3 * math.sqrt(rate / 30) / target

    assert len({*fleet.counts[120:]}) == 1
    assert rate <= count * target + 1e-6
    assert count <= math.ceil(rate / target + scatter + TOLERANCE * rate / target)


@settings(max_examples=10, derandomize=True)  # as above
@given(st.integers(0, 2**32), st.floats(0.5, 8))
def test_by_the_rate_requests_at_random_do_not_make_replicas_come_and_go(
    seed: int, mean: float
) -> None:
    dice = random.Random(seed)
    fleet = Fleet(Scale(min=1, max=100, target=10, metric="rps"), 10.0, 1)
    for _ in range(660):
        came = max(round(dice.gauss(20 * mean, math.sqrt(20 * mean))), 0)
        fleet.tick(came / TICK, requests=0.0, came=came)
    counts = fleet.counts[60:]

    assert sum(one != other for one, other in itertools.pairwise(counts)) <= 6
    assert mean - 1 < min(counts)
    assert max(counts) <= math.ceil(mean + 1) + 1


@settings(max_examples=40)
@given(st.floats(0.05, 8), st.floats(0.2, 0.8), st.floats(0, 0.1), st.floats(0, 40),
       st.integers(0, 12))  # fmt: skip
def test_by_processors_a_constant_work_reaches_its_target_and_stays(
    work: float, target: float, idle: float, delay: float, replicas: int
) -> None:
    """A replica uses one processor at most, and some of it for itself: the load that is measured
    is no more than those that are ready can do, and each new one adds to it."""
    fleet = Fleet(Scale(min=0, max=1000, target=target, metric="cpu"), delay, replicas)
    for _ in range(900):
        used = min(work + idle * fleet.ready, float(fleet.ready))
        fleet.tick(used, requests=1.0)
    count = fleet.counts[-1]
    used = work + idle * count

    assert len({*fleet.counts[600:]}) == 1
    assert used <= count * target + 1e-6
    assert count == 1 or used * (1 + TOLERANCE) > (count - 1) * target - 1e-6, "one too many"

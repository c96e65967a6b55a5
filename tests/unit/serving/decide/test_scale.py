"""The autoscaler's decisions one by one; test_scale_over_time.py has them follow each other."""

from __future__ import annotations

import msgspec
import pytest

from dockyard.serving.decide.model import Decision, History, Sample
from dockyard.serving.decide.scale import decide, planned
from dockyard.serving.model import Metric, Scale

GRACE = 30.0


def seen(
    *loads: float, replicas: int | None, begin: float = 1000.0, busy: bool = True
) -> tuple[History, float]:
    """A history of samples two seconds apart, and the moment of the next one."""
    samples = tuple(
        Sample(begin + 2 * n, load, load if busy else 0.0) for n, load in enumerate(loads)
    )
    now = begin + 2 * len(loads)
    return History(samples=samples, replicas=replicas, busy_at=now - 2), now


def after(
    loads: list[float], load: float, *, ready: int, scale: Scale, requests: float | None = None,
    replicas: int | None = None, limit: int = 0,
) -> Decision:  # fmt: skip
    history, now = seen(*loads, replicas=ready if replicas is None else replicas)
    sample = Sample(now, load, load if requests is None else requests)
    return decide(scale, GRACE, history, ready, sample, now, limit=limit)


@pytest.mark.parametrize(
    ("load", "replicas"), [(4.0, 1), (4.1, 2), (8.0, 2), (11.0, 3), (31.0, 8), (99.0, 8)]
)
def test_from_zero_at_once_to_what_the_load_asks_for(load: float, replicas: int) -> None:
    scale = Scale(min=0, max=8, target=4)
    decision = after([0.0] * 30, load, ready=0, scale=scale)

    assert decision.replicas == replicas
    assert f"0 -> {replicas}" in decision.why


def test_at_zero_it_says_how_many_requests_came() -> None:
    history, now = seen(*[0.0] * 30, replicas=0)
    decision = decide(Scale(min=0, max=8), GRACE, history, 0, Sample(now, 0.0, 1.0, 3.0), now)

    assert decision.why == "at zero, and requests came (3): 0 -> 1 replica"


@pytest.mark.parametrize("metric", ["rps", "cpu", "queue", "concurrency"])
def test_from_zero_to_one_when_a_request_waits_whatever_is_measured(metric: Metric) -> None:
    scale = Scale(min=0, max=8, target=4, metric=metric)
    history, now = seen(*[0.0] * 30, replicas=0)

    assert decide(scale, GRACE, history, 0, Sample(now, 0.0, 1.0), now).replicas == 1
    assert decide(scale, GRACE, history, 0, Sample(now, 0.0, 0.0, 1.0), now).replicas == 1
    assert decide(scale, GRACE, history, 0, Sample(now, 0.0), now).replicas == 0


def test_a_burst_makes_many_within_the_panic_window() -> None:
    scale = Scale(min=1, max=20, target=4)
    decision = after([4.0] * 27 + [40.0] * 2, 40.0, ready=1, scale=scale)

    assert decision.replicas == 10
    assert decision.panic
    assert decision.why == (
        "stable 7.6, panic 40 requests at a time, 4 a replica: 1 -> 10 replicas"
        " (panic for 60 s more)"
    )


def test_nothing_goes_in_panic_and_it_lasts_for_a_stable_window() -> None:
    scale = Scale(min=1, max=20, target=4)
    decision = after([4.0] * 27 + [40.0] * 2, 40.0, ready=1, scale=scale)
    counts = []
    for tick in range(1, 35):
        now = 1058.0 + 2 * tick
        decision = decide(scale, GRACE, decision.history, 10, Sample(now, 4.0, 4.0), now)
        counts.append((decision.replicas, decision.panic))

    panicked = [replicas for replicas, panic in counts if panic]
    assert panicked == [10] * len(panicked)
    assert len(panicked) >= 29
    assert counts[-1] == (5, False), "and then not below half of what is ready at once"


def test_little_more_load_is_no_panic() -> None:
    scale = Scale(min=1, max=20, target=4)
    decision = after([16.0] * 20 + [24.0] * 9, 24.0, ready=4, scale=scale)

    assert not decision.panic
    assert decision.replicas == 5


def test_a_decision_takes_away_at_most_half_of_what_is_ready() -> None:
    decision = after([1.0] * 29, 1.0, ready=9, scale=Scale(min=0, max=20, target=4))

    assert decision.replicas == 4


def test_replicas_that_are_on_their_way_out_make_no_more() -> None:
    """They still take requests, so they are ready: half of them isn't what the load asks for."""
    history, now = seen(*[0.5] * 29, replicas=1)

    for load in (0.5, 3.0):
        decision = decide(
            Scale(min=0, max=20, target=4), GRACE, history, 8, Sample(now, load, load), now
        )
        assert decision.replicas == 1


def test_a_replica_stays_where_the_others_would_be_nearly_full() -> None:
    scale = Scale(min=1, max=8, target=4)
    stays = after([7.8] * 29, 7.8, ready=3, scale=scale)
    goes = after([6.4] * 29, 6.4, ready=3, scale=scale)

    assert stays.replicas == 3
    assert stays.why.endswith("stays at 3 replicas (2 would be 98% full)")
    assert goes.replicas == 2


@pytest.mark.parametrize(("target", "replicas"), [(4, 3), (100, 2)])
def test_where_few_requests_are_there_at_a_time_more_room_is_left(
    target: float, replicas: int
) -> None:
    """A look at 7 requests may as well see 4 or 10, one at 170 hardly half as many."""
    load = 1.7 * target
    decision = after([load] * 29, load, ready=3, scale=Scale(min=1, max=8, target=target))

    assert decision.replicas == replicas


@pytest.mark.parametrize(
    ("target", "limit", "expected"), [(4, 0, 4), (4, 4, 2.8), (2, 4, 2), (8, 4, 2.8), (1, 1, 0.7)]
)
def test_a_strict_limit_is_not_planned_in_full(target: float, limit: int, expected: float) -> None:
    assert planned(Scale(target=target), limit) == pytest.approx(expected)
    assert planned(Scale(target=target, metric="rps"), limit) == target


def test_a_strict_limit_is_told() -> None:
    decision = after([8.0] * 29, 8.0, ready=2, scale=Scale(max=8, target=4), limit=4)

    assert decision.replicas == 3
    assert "2.8 (70% of 4) a replica: 2 -> 3 replicas" in decision.why


def test_by_the_queue_what_is_worked_on_counts_too() -> None:
    """Else all replicas would go as soon as nothing waits, and come back at once."""
    scale = Scale(min=0, max=8, target=10, metric="queue")
    history, now = seen(*[0.0] * 29, replicas=3)
    samples = tuple(msgspec.structs.replace(one, requests=12.0) for one in history.samples)
    history = msgspec.structs.replace(history, samples=samples)

    busy = decide(scale, GRACE, history, 3, Sample(now, 0.0, 12.0), now, limit=4)
    waiting = decide(scale, GRACE, history, 3, Sample(now, 60.0, 72.0), now, limit=4)

    assert (busy.replicas, waiting.replicas) == (3, 4)


def test_to_zero_after_the_grace_and_not_before() -> None:
    scale = Scale(min=0, max=8, target=4)
    history, now = seen(*[1.0] * 29, replicas=1)
    last, counts = now - 2, {}
    for tick in range(20):
        at = now + 2 * tick
        decision = decide(scale, GRACE, history, 1, Sample(at, 0.0), at)
        history = decision.history
        counts[at - last] = decision.replicas

    assert counts == {idle: 0 if idle >= GRACE else 1 for idle in counts}


def test_a_request_that_nobody_saw_active_postpones_zero() -> None:
    history, now = seen(*[0.0] * 29, replicas=1)
    history = msgspec.structs.replace(history, busy_at=now - 100)

    idle = decide(Scale(min=0, max=8), GRACE, history, 1, Sample(now, 0.0), now)
    busy = decide(Scale(min=0, max=8), GRACE, history, 1, Sample(now, 0.0, 0.0, 1.0), now)

    assert (idle.replicas, busy.replicas) == (0, 1)
    assert idle.why == "no request for 100 s: 1 -> 0 replicas"


def test_a_minimum_stays_whatever_the_grace() -> None:
    history, now = seen(*[0.0] * 29, replicas=2, busy=False)
    history = msgspec.structs.replace(history, busy_at=0.0)
    decision = decide(Scale(min=2, max=8), GRACE, history, 2, Sample(now, 0.0), now)

    assert decision.replicas == 2
    assert decision.why.endswith("stays at 2 replicas (min is 2)")


def test_a_maximum_says_what_was_asked_for() -> None:
    decision = after([80.0] * 29, 80.0, ready=8, scale=Scale(min=1, max=8, target=4))

    assert decision.replicas == 8
    assert "max is 8, the load asks for 20" in decision.why


def test_changed_bounds_hold_at_once() -> None:
    history, now = seen(*[40.0] * 29, replicas=10)
    sample = Sample(now, 40.0, 40.0)

    assert decide(Scale(min=1, max=3, target=4), GRACE, history, 10, sample, now).replicas == 3
    assert decide(Scale(min=12, max=20, target=4), GRACE, history, 10, sample, now).replicas == 12


@pytest.mark.parametrize("pause", [60.0, 3600.0, -500.0])
@pytest.mark.parametrize("ready", [0, 1, 8])
def test_after_a_gap_nothing_goes_before_a_minute_was_seen(pause: float, ready: int) -> None:
    """The controller was away; what it finds first may be a moment's silence."""
    scale = Scale(min=0, max=20, target=4)
    history, now = seen(*[32.0] * 30, replicas=8)
    now += pause
    counts = []
    for tick in range(40):
        at = now + 2 * tick
        decision = decide(scale, 5.0, history, ready, Sample(at, 0.0), at)
        history = decision.history
        counts.append(decision.replicas)

    assert counts[:30] == [8] * 30
    assert counts[-1] == 0


def test_after_a_gap_more_come_at_once() -> None:
    history, now = seen(*[4.0] * 30, replicas=1)
    now += 600
    scale = Scale(min=0, max=20, target=4)

    assert decide(scale, 5.0, history, 1, Sample(now, 80.0, 80.0), now).replicas == 20


def test_without_a_history_running_replicas_stay_for_a_minute() -> None:
    decision = decide(Scale(min=0, max=8), 5.0, History(), 6, Sample(50.0, 0.0), 50.0)
    later = decide(Scale(min=0, max=8), 5.0, decision.history, 6, Sample(56.0, 0.0), 56.0)

    assert (decision.replicas, later.replicas) == (6, 6)
    assert "after a gap nothing goes for 54 s more" in later.why


def test_a_first_replica_goes_after_its_grace() -> None:
    decision = decide(Scale(min=0, max=8), 5.0, History(), 1, Sample(50.0, 0.0), 50.0)
    later = decide(Scale(min=0, max=8), 5.0, decision.history, 1, Sample(56.0, 0.0), 56.0)

    assert (decision.replicas, later.replicas) == (1, 0)


def test_processors_of_a_start_make_no_more_replicas() -> None:
    """Loading a model keeps processors busy, which must not ask for another one to be loaded."""
    scale = Scale(min=0, max=8, target=0.5, metric="cpu")
    history, now = seen(*[3.0] * 29, replicas=2)

    starting = decide(scale, GRACE, history, 1, Sample(now, 3.0, 1.0), now)
    started = decide(scale, GRACE, history, 2, Sample(now, 3.0, 1.0), now)

    assert (starting.replicas, started.replicas) == (2, 6)


def test_processors_without_any_request_ask_for_nothing() -> None:
    history, now = seen(*[8.0] * 30, replicas=2, busy=False)
    scale = Scale(min=1, max=8, target=0.5, metric="cpu")

    assert decide(scale, GRACE, history, 2, Sample(now, 8.0), now).replicas == 1

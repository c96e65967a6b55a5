from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from dockyard.errors import InvalidInput
from dockyard.serving.decide import rollout
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.decide.model import Criteria, Rollout, Step, Traffic, Verdict

BOUNDS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, float("inf"))
NOW = 5000.0
BEFORE = {"embed": 100, "next": 0}


def begun(
    *weights: int, pause: float = 60.0, criteria: Criteria = rollout.DEFAULT_CRITERIA
) -> Rollout:
    steps = [Step(weight=weight, pause=pause) for weight in weights or (10, 50)]
    return rollout.begin(
        "p", "embed", "next", BEFORE, NOW, steps=steps, criteria=criteria
    )  # fmt: skip


def waited(one: Rollout, seconds: float = 60.0) -> Rollout:
    return rollout.observed(one, seconds, requests=1)


def traffic(requests: int, errors: int = 0, *, shares: Sequence[float] = ()) -> Traffic:
    """``shares`` of the requests that took at most so long, by bound."""
    counts = {bound: round(requests * share) for bound, share in zip(BOUNDS, shares, strict=False)}
    return Traffic(requests=requests, errors=errors, latencies=counts)


FAST = (0.0, 0.2, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""Its 95th percentile is 44 ms, so slow is beyond 100."""
SLOWER = (0.0, 0.1, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0)
SLIGHTLY = (0.0, 0.1, 0.7, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0)


def said(one: Rollout, canary: Traffic, stable: Traffic) -> Verdict:
    return rollout.verdict(one, canary, stable, NOW + 20)


def test_there_is_no_verdict_before_there_are_requests() -> None:
    verdict = said(waited(begun()), traffic(49, 49), traffic(9000))

    assert verdict == Verdict(
        action="wait", why="no verdict yet: 49 of 50 requests to next in 20 s"
    )


@pytest.mark.parametrize(
    ("count", "hopeless", "at", "over"),
    [
        (3, False, NOW + 1, True),
        (2, False, NOW + 1, False),
        (1, True, NOW + 1, True),
        (9, False, NOW - 1, False),
    ],
)
def test_a_canary_that_fails_again_and_again_in_its_step_is_over(
    count: int, hopeless: bool, at: float, over: bool
) -> None:
    canary = Failures(count=count, at=at, reason="exit code 3", hopeless=hopeless)
    found = rollout.collapse(begun(), canary, [Failures()])
    assert (found is not None and found.action == "rollback") == over
    assert rollout.collapse(begun(), canary, [Failures(count=3, at=1.0)]) is None
    ended = msgspec.structs.replace(begun(), state="promoted")
    assert rollout.collapse(ended, canary, [Failures()]) is None


def test_half_of_fifty_is_enough_to_roll_back() -> None:
    verdict = said(begun(), traffic(50, 25), traffic(450))

    assert verdict.action == "rollback"
    assert verdict.why.startswith(
        "requests fail: 25 of 50 (50.0 %), of the stable version's 0 of 450 (0.0 %); p = "
    )


def test_a_good_one_goes_on_after_its_pause_and_is_promoted_in_the_end() -> None:
    one, good, stable = begun(10, 50), traffic(600, 3), traffic(5400, 27)
    assert said(one, good, stable).action == "wait"

    verdict = said(waited(one), good, stable)
    assert verdict.action == "advance"
    one = rollout.advance(waited(one), verdict, NOW + 60, stable)
    assert (one.step, one.since, one.observed) == (1, NOW + 60, 0.0)

    verdict = said(waited(one), good, stable)
    assert verdict.action == "promote"
    one = rollout.advance(waited(one), verdict, NOW + 120, stable)
    assert one.state == "promoted"
    assert rollout.weights_after(one) == {"embed": 0, "next": 100 * 100}


def test_a_rollback_goes_back_to_what_was() -> None:
    one = begun()
    one = rollout.advance(one, said(one, traffic(60, 40), traffic(500)), NOW)

    assert one.state == "rolled-back"
    assert rollout.weights_after(one) == BEFORE
    assert one.why.startswith("requests fail")
    assert said(one, traffic(600), traffic(600)).action == "wait"


def test_without_traffic_no_time_passes() -> None:
    one = begun()

    assert rollout.observed(one, 3600.0, requests=0) == one
    assert rollout.observed(one, 2.0, requests=3).observed == 2.0
    assert said(rollout.observed(one, 3600.0, 0), traffic(900), traffic(9000)).action == "wait"


def test_few_more_failures_than_the_margin_are_no_reason() -> None:
    """However sure it is that they are more."""
    verdict = said(waited(begun()), traffic(100_000, 900), traffic(900_000, 900))

    assert verdict.action == "advance"


def test_few_failures_among_few_requests_are_no_reason() -> None:
    assert said(begun(), traffic(50, 2), traffic(450)).action == "wait"


def test_what_fails_on_both_sides_is_not_the_canary_s_fault() -> None:
    verdict = said(waited(begun()), traffic(200, 100), traffic(1800, 900))

    assert verdict.action == "wait"
    assert "too many fail to go on: 100 of 200 (50.0 %)" in verdict.why


def test_a_canary_that_is_better_than_a_bad_stable_version_goes_on() -> None:
    assert said(waited(begun()), traffic(200, 4), traffic(1800, 900)).action == "advance"


def test_both_questions_and_all_steps_share_the_chance_to_be_wrong() -> None:
    """5 of 50 beside 0 of 450 come by chance in 8 of a million cases; 4.9 are allowed here."""
    assert said(begun(10, 50), traffic(50, 5), traffic(450)).action == "wait"
    assert said(begun(10), traffic(50, 5), traffic(450)).action == "rollback"


def test_in_doubt_it_waits_for_more_requests() -> None:
    verdict = said(waited(begun()), traffic(50, 3), traffic(450))

    assert verdict.action == "wait"
    assert verdict.why.startswith("in doubt, waits for more: requests fail: 3 of 50 (6.0 %)")


def test_slow_requests_are_a_reason() -> None:
    verdict = said(begun(), traffic(300, shares=SLOWER), traffic(2700, shares=FAST))

    assert verdict.action == "rollback"
    assert verdict.why.startswith(
        "requests are slow: 60 of 300 (20.0 %) take longer than 100 ms,"
        " of the stable version's 0 of 2700 (0.0 %); p = "
    )


def test_slightly_slower_requests_are_none() -> None:
    verdict = said(waited(begun()), traffic(3000, shares=SLIGHTLY), traffic(27000, shares=FAST))

    assert verdict.action == "advance"


def test_a_slow_stable_version_excuses_a_slow_canary() -> None:
    slow = waited(begun())

    assert said(slow, traffic(300, shares=SLOWER), traffic(2700, shares=SLOWER)).action == "advance"


@pytest.mark.parametrize(
    ("latencies", "bound"),
    [
        ({}, None),
        ({10.0: 0, float("inf"): 0}, None),
        ({10.0: 100, 20.0: 100, float("inf"): 100}, 20.0),
        ({10.0: 0, 20.0: 100, 50.0: 100, float("inf"): 100}, 50.0),
        ({10.0: 0, 20.0: 0, float("inf"): 100}, None),
    ],
)
def test_the_bound_of_slow_requests(latencies: dict[float, int], bound: float | None) -> None:
    assert rollout.slow_bound(latencies, 1.5) == bound


def test_with_few_other_requests_the_step_before_counts() -> None:
    """At 95 percent the stable version gets next to nothing any more."""
    one = waited(begun(50, 95))
    stable = traffic(3000, 15)
    one = rollout.advance(one, said(one, traffic(3000, 15), stable), NOW, stable)

    assert said(one, traffic(400, 2), traffic(20)).action == "wait"
    assert said(waited(one), traffic(400, 2), traffic(20)).action == "promote"
    assert said(one, traffic(400, 60), traffic(20)).action == "rollback"


def test_the_step_before_speaks_for_a_canary_too() -> None:
    """Of 20 requests to the stable version none failed by chance; before, as many did."""
    stable = traffic(3000, 180)
    one = waited(begun(50, 95))
    one = rollout.advance(one, said(one, traffic(3000, 180), stable), NOW, stable)

    assert one.step == 1
    assert said(one, traffic(400, 24), traffic(20)).action == "wait"
    assert said(waited(one), traffic(400, 24), traffic(20)).action == "promote"


def test_with_nothing_to_compare_with_the_margin_decides() -> None:
    one = waited(begun(100))

    assert said(one, traffic(400, 2), Traffic()).action == "promote"
    assert said(one, traffic(50, 25), Traffic()).action == "rollback"


def test_a_verdict_to_wait_is_remembered_with_its_reason() -> None:
    one = begun()
    after = rollout.advance(one, said(one, traffic(3), traffic(30)), NOW)

    assert after == msgspec.structs.replace(one, why=after.why)
    assert "3 of 50" in after.why


@pytest.mark.parametrize("weights", [(), (0, 10), (10, 101), (10, 10), (50, 10)])
def test_steps_grow(weights: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="no growing percentages"):
        rollout.begin("p", "embed", "next", BEFORE, NOW, steps=[Step(weight=w) for w in weights])


@pytest.mark.parametrize("before", [{"embed": 100}, {"next": 100}])
def test_a_canary_is_beside_another_variant(before: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="next can't be a canary of embed"):
        rollout.begin("p", "embed", "next", before, NOW)


@pytest.mark.parametrize(
    "criteria",
    [Criteria(requests=0), Criteria(confidence=1.0), Criteria(error_margin=1.0),
     Criteria(latency_factor=0.5)],
)  # fmt: skip
def test_criteria_make_sense(criteria: Criteria) -> None:
    with pytest.raises(InvalidInput, match="criteria"):
        begun(criteria=criteria)
    with pytest.raises(InvalidInput, match="pause"):
        begun(pause=-1.0)

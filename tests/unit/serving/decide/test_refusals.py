from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.decide import refusals
from dockyard.serving.decide.refusals import Refusals


def after(*looks: tuple[float, int]) -> Refusals:
    found = Refusals()
    for at, counter in looks:
        found = refusals.counted(found, counter, at)
    return found


def test_a_queue_with_room_says_nothing() -> None:
    assert refusals.reason(after((1000.0, 0)), waiting=199, most=200) == ""


def test_a_full_queue_says_how_many_wait_and_how_many_were_refused() -> None:
    found = after((1000.0, 5), (1030.0, 12))

    assert refusals.reason(found, waiting=200, most=200) == (
        "queue full: 200 wait, 12 refused in the last minute"
    )
    assert refusals.reason(Refusals(), waiting=200, most=200) == "queue full: 200 wait"


def test_refusals_are_told_for_a_minute_after() -> None:
    found = after((1000.0, 5), (1030.0, 12))

    assert refusals.reason(found, waiting=0, most=200) == (
        "queue was full: 12 refused in the last minute"
    )
    assert refusals.counted(found, 12, 1061.0).count == 7
    assert refusals.reason(refusals.passed(found, 1091.0), waiting=0, most=200) == ""


def test_another_activator_counts_from_zero() -> None:
    assert after((1000.0, 50), (1001.0, 3)).count == 53


def test_no_queue_is_never_full() -> None:
    """``queue.max: 0`` refuses whoever would wait; that none waits is no news."""
    assert refusals.reason(after((1000.0, 0)), waiting=0, most=0) == ""
    assert "4 refused" in refusals.reason(after((1000.0, 4)), waiting=0, most=0)


def test_a_clock_that_is_set_back_keeps_nothing_forever() -> None:
    assert refusals.passed(after((1000.0, 5)), 900.0).count == 0


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, 3)), max_size=600))
def test_none_is_lost_and_little_is_kept(steps: list[tuple[float, int]]) -> None:
    now, counter, found = 1000.0, 0, Refusals()
    for seconds, more in steps:
        now, counter = now + min(seconds, 0.09), counter + more
        found = refusals.counted(found, counter, now)

    assert found.count == counter  # all of it within a minute
    assert len(found.lately) <= 13

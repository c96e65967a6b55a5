"""How soon a program that ended is started again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.supervise.decide import SETTLED, delay, failures

HALF_A_MINUTE = 30.0


def waits(*lives: float) -> list[float]:
    """Seconds before each next start of a program that lived so long each time."""
    counts = itertools.accumulate(lives, failures, initial=0)
    return [delay(count) for count in list(counts)[1:]]


def test_one_that_served_for_long_is_back_at_once() -> None:
    assert waits(3600.0) == [0.0]


def test_one_that_is_killed_now_and_then_is_back_at_once_each_time() -> None:
    assert waits(*[SETTLED] * 5) == [0.0] * 5


def test_a_first_end_soon_after_the_start_is_forgiven() -> None:
    assert waits(0.2) == [0.0]


def test_one_that_ends_at_once_again_and_again_waits_twice_as_long_each_time() -> None:
    assert waits(*[0.1] * 6) == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.8, 1.6])


def test_a_long_life_makes_up_for_all_that_was() -> None:
    assert waits(*[0.1] * 6, SETTLED, 0.1, 0.1) == pytest.approx(
        [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 0.0, 0.0, 0.1]
    )


def test_nobody_waits_for_more_than_half_a_minute_however_often_it_ended() -> None:
    assert delay(11) == HALF_A_MINUTE
    assert delay(1_000_000) == HALF_A_MINUTE


@given(st.lists(st.floats(0, 2 * SETTLED), max_size=60))
def test_another_early_end_never_shortens_the_wait(lives: list[float]) -> None:
    found = waits(*lives)
    assert all(0.0 <= one <= HALF_A_MINUTE for one in found)
    for (before, after), lived in zip(itertools.pairwise(found), lives[1:], strict=False):
        assert after >= before if lived < SETTLED else after == 0.0


@given(st.integers(2, 60))
def test_one_that_never_comes_up_costs_little(ends: int) -> None:
    """In an hour it is tried a hundred times or so, not thousands."""
    assert sum(waits(*[0.0] * ends)) >= HALF_A_MINUTE * (ends - 11)

"""Beside figures that were computed exactly with integers, and by trying it out."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.serving.decide import significance


def exactly(cases: int, size: int, other_cases: int, other_size: int) -> Fraction:
    marked, total = cases + other_cases, size + other_size
    ways = sum(
        math.comb(marked, count) * math.comb(total - marked, size - count)
        for count in range(cases, min(marked, size) + 1)
    )
    return Fraction(ways, math.comb(total, size))


@given(st.integers(1, 60), st.integers(0, 300), st.data())
def test_it_is_the_exact_tail(size: int, other_size: int, data: st.DataObject) -> None:
    cases = data.draw(st.integers(0, size))
    other_cases = data.draw(st.integers(0, other_size))
    expected = float(exactly(cases, size, other_cases, other_size))

    found = significance.p_value(cases, size, other_cases, other_size)

    assert found == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_a_known_table() -> None:
    """Fisher's lady tasting tea: 3 of 4 cups right."""
    assert significance.p_value(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_large_counts() -> None:
    assert significance.p_value(50_000, 10**6, 450_000, 9 * 10**6) == pytest.approx(0.5, abs=0.01)
    assert significance.p_value(90_000, 10**6, 450_000, 9 * 10**6) < 1e-300
    assert significance.p_value(10_000, 10**6, 450_000, 9 * 10**6) == pytest.approx(1.0)


@given(st.integers(1, 80), st.floats(0.01, 0.99), st.data())
def test_the_binomial_tail(size: int, share: float, data: st.DataObject) -> None:
    cases = data.draw(st.integers(0, size))
    tail = sum(
        math.comb(size, count) * share**count * (1 - share) ** (size - count)
        for count in range(cases, size + 1)
    )

    assert significance.binomial_p_value(cases, size, share) == pytest.approx(tail, rel=1e-6)


def test_what_never_happens_is_certain_when_it_does() -> None:
    assert significance.binomial_p_value(1, 50, 0.0) == 0.0
    assert significance.binomial_p_value(0, 50, 0.0) == 1.0


@settings(max_examples=10)
@given(st.integers(1, 200))
def test_all_looks_together_take_what_was_given(first: int) -> None:
    parts = math.fsum(significance.allowed(0.01, first, count) for count in range(1, 10_000))

    assert parts <= 0.01
    assert parts == pytest.approx(0.01, rel=0.03)
    assert significance.allowed(0.01, first, first - 1) == 0.0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_looking_all_the_time_is_no_more_often_wrong(share: float) -> None:
    """Of two like sides, looked at after every few requests; without a correction it is four times
    as often wrong as allowed, as the second count shows."""
    dice, error, first, wrong, naive = random.Random(11), 0.2, 20, 0, 0
    for _ in range(200):
        cases = other = 0
        found = [False, False]
        for count in range(1, 301):
            cases += dice.random() < share
            other += (dice.random() < share) + (dice.random() < share)
            if count < first or count % 3:
                continue
            p_value = significance.p_value(cases, count, other, 2 * count)
            found[0] |= p_value <= significance.allowed(error, first, count)
            found[1] |= p_value <= error
        wrong, naive = wrong + found[0], naive + found[1]

    assert wrong <= 200 * error
    assert naive > 2 * wrong

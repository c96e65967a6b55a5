from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.images.packages.budget import MOST_LAYERS, fits, level
from dockyard.images.packages.model import UNDIVIDED, Division


@given(st.integers(0, 200), st.integers(0, 200))
def test_an_image_never_gets_more_than_its_layers(below: int, to_come: int) -> None:
    found = level(below, to_come)

    assert found.layers == 1 or below + found.layers + to_come <= MOST_LAYERS
    assert found.alone >= 0


def test_a_line_more_seldom_changes_the_budget() -> None:
    levels = [level(5, above).layers for above in range(60)]

    assert levels == sorted(levels, reverse=True)
    assert levels[:12] == [48] * 12
    assert len(set(levels)) == 8


@pytest.mark.parametrize(
    ("division", "below", "same"),
    [
        (UNDIVIDED, 0, True),
        (UNDIVIDED, 64, True),
        (Division(budget=48, alone=3), 0, True),
        (Division(budget=48, alone=3), 30, True),  # 32 layers: as many bins, and room
        (Division(budget=48, alone=30), 30, False),
        (Division(budget=32, alone=30), 0, False),
        (Division(budget=48, alone=3), 45, False),  # fewer bins
        (Division(budget=1, alone=3), 0, False),
        (Division(budget=1, alone=3), 64, True),
        (Division(budget=7, alone=0), 0, False),
    ],
)
def test_a_result_counts_where_it_would_be_made_the_same(
    division: Division, below: int, same: bool
) -> None:
    assert fits(division, level(below, 0)) is same

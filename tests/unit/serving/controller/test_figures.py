"""What a variant's load is, by each metric."""

from __future__ import annotations

import pytest

from dockyard.serving.activator.model import Figures
from dockyard.serving.controller.figures import Seen, sample
from dockyard.serving.controller.ports import Load
from dockyard.serving.decide.model import Sample
from dockyard.serving.model import Metric

BEFORE = Seen(at=100.0, total=50, cpu={"a": 10**9, "gone": 5 * 10**9})
NOW = Seen(at=102.0, total=70, cpu={"a": 4 * 10**9, "new": 9 * 10**9})
LOAD = Load(active=7, total=70)
HELD = Figures(waiting=3, active=2, total=9)


@pytest.mark.parametrize(
    ("metric", "load"), [("concurrency", 7), ("rps", 10.0), ("cpu", 1.5), ("queue", 3)]
)
def test_a_load_is_what_its_metric_says(metric: Metric, load: float) -> None:
    assert sample(metric, BEFORE, NOW, LOAD, HELD) == Sample(
        at=102.0, load=load, requests=7, came=20
    )


def test_without_the_gateway_the_activator_tells_what_it_has() -> None:
    found = sample("concurrency", BEFORE, NOW, None, HELD)
    assert found is not None
    assert (found.load, found.requests) == (5, 5)
    assert sample("concurrency", BEFORE, NOW, None, None) is None


def test_too_short_a_time_makes_no_rate() -> None:
    soon = Seen(at=100.01, total=51)
    found = sample("rps", BEFORE, soon, LOAD, HELD, 9.0)
    assert found is not None
    assert (found.load, found.came) == (9.0, 1)


def test_counts_of_the_gateway_and_of_the_activator_make_no_rate_together() -> None:
    blind = Seen(at=102.0, total=9, by_gateway=False)
    found = sample("rps", BEFORE, blind, None, HELD, 9.0)
    assert found is not None
    assert (found.load, found.came) == (9.0, 0)
    again = sample("rps", blind, Seen(at=104.0, total=1_000_000), LOAD, HELD, 9.0)
    assert again is not None
    assert (again.load, again.came) == (9.0, 0), "as before: no burst"


def test_a_gateway_that_began_anew_makes_no_negative_rate() -> None:
    found = sample("rps", BEFORE, Seen(at=102.0, total=3), LOAD, HELD)
    assert found is not None
    assert (found.load, found.came) == (0.0, 0)

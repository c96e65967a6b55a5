"""The day that docs/scaling.md shows is the one that the code decides on."""

from __future__ import annotations

import itertools
import re

from bench import simulate_day
from bench.simulate_day import HOUR
from tests.support import pages


def test_the_page_shows_the_day_that_this_code_makes() -> None:
    """``python -m bench.simulate_day`` draws it anew. All at once, as a day takes seconds."""
    day = tuple(simulate_day.simulate())
    figures = re.findall(r"^\| ([^|]+?) \| ([\d,.]+)", pages.read("docs/scaling.md"), re.MULTILINE)
    found = {name: f"{value:,.1f}" for name, value in simulate_day.summary(day).items()}

    assert simulate_day.PICTURE.read_text(encoding="utf-8") == simulate_day.picture(day)
    assert dict(figures) == found

    night = [second.replicas for second in day[: 5 * HOUR]]
    assert set(night) == {0, 1}, "one request wakes one replica"
    assert day[-1].replicas == 0
    waits = [second.wait for second in day if not 16.75 <= second.at / HOUR < 17]
    assert max(waits) <= 2 * simulate_day.START_UP, "but for the largest burst, only a start waits"
    changes = sum(one.replicas != other.replicas for one, other in itertools.pairwise(day))
    assert changes < 150

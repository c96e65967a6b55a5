"""What ``services top`` says of two looks at a variant."""

from __future__ import annotations

import math

from dockyard.cli import services_top_view as view
from dockyard.serving.activator.model import Figures as Held
from dockyard.serving.gateway.stats import Figures
from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.records import Standing
from dockyard.serving.sight import Sight, Usage
from dockyard.serving.verbs import Status

VARIANT = Variant(name="embed", port=80)
SERVICE = Service(
    project="shop", name="embed", route=Route(listen="127.0.0.1:80"), variants=(VARIANT,)
)


def sight(answers: int, errors: int, timed: int, milliseconds: float) -> Sight:
    status = Status(service=SERVICE, variant=VARIANT, standing=Standing(), share=100)
    passed = Figures(
        by_class={"2": answers, "5": errors}, times={1.0: 0, math.inf: timed}, time_sum=milliseconds
    )
    return Sight(status=status, gateway=passed, activator=Held(), usage=Usage())


def test_the_mean_is_of_the_answers_whose_time_is_known() -> None:
    before, now = sight(100, 0, 100, 25_000.0), sight(150, 10, 120, 30_000.0)
    row = view.row(before, now, 2.0)
    assert (row["Rate"], row["Errors"], row["Latency"]) == ("30.0", "10", "250.0ms")


def test_without_times_there_is_no_mean() -> None:
    row = view.row(sight(100, 0, 100, 25_000.0), sight(150, 0, 100, 25_000.0), 1.0)
    assert (row["Rate"], row["Latency"]) == ("50.0", "-")

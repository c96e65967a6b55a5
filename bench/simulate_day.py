"""``python -m bench.simulate_day``: a day of traffic through the code that decides on replicas.

Draws docs/images/scaling-day.svg and prints the figures that docs/scaling.md shows. Everything is
computed from the seed: the same code gives the same picture. Requests are amounts here, in seconds:
what comes within one is worked on, or waits, as replicas are ready. Nothing runs.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dockyard.serving.decide.model import History, Sample
from dockyard.serving.decide.scale import decide
from dockyard.serving.model import Scale
from dockyard.serving.timeline import Mark, Panel, Series, draw

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "scaling-day.svg"
HOUR, DAY, TICK = 3600, 86_400, 2
SCALE = Scale(min=0, max=16, target=4)
LIMIT = 4
GRACE = 60.0
START_UP = 8
"""Seconds until a replica is ready."""
WORK = 0.5
"""Seconds of a request: a replica takes ``LIMIT / WORK`` of them a second."""
BURSTS = ((9.5, 300, 45.0), (12.25, 900, 25.0), (16.75, 120, 80.0), (21.0, 600, 30.0))
"""Hour of the day, seconds, and requests a second above the usual."""
LONELY = 3 * HOUR + 1200
"""In the silent night one request comes."""


class Second(msgspec.Struct, frozen=True):
    """What there was in one second of the day."""

    at: int
    came: float
    """Requests."""
    replicas: int
    """That are to be there."""
    ready: int
    waiting: float
    """Requests without a replica at its end."""
    wait: float
    """Seconds that the last of them has before it."""


def rate(at: int) -> float:
    """Requests a second that are usual at a second of the day."""
    hour = at / HOUR
    if not 5.5 <= hour < 23.5:
        return 0.0
    usual = 34.0 * math.pow(max(math.sin(math.pi * (hour - 5.5) / 18.0), 0.0), 1.5)
    bursts = (
        more for begin, length, more in BURSTS if begin <= hour and at < begin * HOUR + length
    )
    return usual + sum(bursts)


def arrivals(dice: random.Random, at: int) -> float:
    """A whole number, scattered like independent requests are."""
    if at == LONELY:
        return 1.0
    mean = rate(at)
    return float(max(round(dice.gauss(mean, math.sqrt(mean))), 0)) if mean else 0.0


class Fleet:
    """Replicas, each ready some seconds after it was asked for."""

    def __init__(self) -> None:
        self._since: list[int] = []

    def ready(self, at: int) -> int:
        return sum(at - since >= START_UP for since in self._since)

    def change(self, replicas: int, at: int) -> None:
        self._since = self._since[:replicas]
        self._since += [at] * (replicas - len(self._since))

    def __len__(self) -> int:
        return len(self._since)


def simulate(seed: int = 6) -> Iterator[Second]:
    """The day, second by second."""
    dice, fleet, history = random.Random(seed), Fleet(), History(replicas=0)
    waiting = came = 0.0
    for at in range(DAY):
        now = arrivals(dice, at)
        came += now
        ready = fleet.ready(at)
        worked = min(waiting + now, ready * LIMIT / WORK)
        waiting += now - worked
        load = worked * WORK + waiting
        if at % TICK == 0 or (not fleet and waiting):  # the activator wakes the controller
            sample = Sample(float(at), load, load, came)
            decision = decide(SCALE, GRACE, history, ready, sample, float(at), limit=LIMIT)
            history, came = decision.history, 0.0
            fleet.change(decision.replicas, at)
        pace = max(ready, 1) * LIMIT / WORK
        delay = waiting / pace + (START_UP if waiting and not ready else 0)
        yield Second(at, now, len(fleet), ready, waiting, delay)


def summary(day: Sequence[Second]) -> dict[str, float]:
    """The figures of a day: requests, the share that didn't wait, waits in seconds, hours."""
    requests = sum(second.came for second in day)
    waits = sorted((second.wait, second.came) for second in day if second.came)
    at_once = sum(came for wait, came in waits if wait == 0)
    most = max(second.replicas for second in day)
    return {
        "requests": requests,
        "percent that found a free replica at once": 100 * at_once / requests,
        "seconds that 99 of 100 waited at most": _quantile(waits, 0.99 * requests),
        "seconds of the longest wait": waits[-1][0],
        "replica hours": sum(second.replicas for second in day) / HOUR,
        "replica hours, were the day's most always there": 24.0 * most,
        "hours without a replica": sum(second.replicas == 0 for second in day) / HOUR,
    }


def _quantile(waits: Sequence[tuple[float, float]], rank: float) -> float:
    counted = 0.0
    for wait, came in waits:
        counted += came
        if counted >= rank:
            return wait
    return waits[-1][0]


def picture(day: Sequence[Second]) -> str:
    """The SVG document."""
    minutes = [day[begin : begin + 60] for begin in range(0, DAY, 60)]
    came = tuple((float(part[0].at), sum(one.came for one in part) / 60) for part in minutes)
    needed = tuple((at, mean * WORK / SCALE.target) for at, mean in came)
    there = tuple((float(one.at), float(one.ready)) for one in _changes(day))
    waits = tuple((float(part[0].at), max(one.wait for one in part)) for part in minutes)
    panels = (
        Panel(label="requests a second", series=(Series(name="came", points=came, fill=True),)),
        Panel(
            label="replicas",
            series=(
                Series(name="ready", points=there, steps=True, fill=True, colour="#2da160"),
                Series(name="work of the requests alone", points=needed, colour="#8e6bd0"),
            ),
        ),
        Panel(
            label="longest wait for a replica, s", height=60,
            series=(Series(name="within each minute", points=waits, colour="#d64545"),),
        ),
    )  # fmt: skip
    marks = (Mark(float(LONELY), "one request"), Mark(16.75 * HOUR, "a burst of 2 minutes"))
    return draw("A day of a service that scales from 0 to 16", panels, begin=0.0, end=float(DAY),
                marks=marks, clock=True)  # fmt: skip


def _changes(day: Sequence[Second]) -> Iterator[Second]:
    last = -1
    for second in day:
        if second.ready != last:
            last = second.ready
            yield second


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.simulate_day", description=__doc__)
    parser.add_argument("--output", type=Path, default=PICTURE, help="where to write the picture")
    asked = parser.parse_args(arguments)
    day = tuple(simulate())
    asked.output.write_text(picture(day), encoding="utf-8")
    for name, value in summary(day).items():
        print(f"| {name} | {value:,.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

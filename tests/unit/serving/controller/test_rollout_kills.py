"""Replicas that are killed at random while a rollout goes on: no version is blamed for it."""

from __future__ import annotations

import random
from collections.abc import Iterator

from dockyard.serving.controller.tally import Manner, Tally
from dockyard.serving.decide import rollout
from dockyard.serving.decide.model import Rollout, Step
from dockyard.serving.gateway.access_log import Request

MANY = 100
SECONDS, RATE, IN_FLIGHT = 40, 100, 12
"""Of one rollout; requests a second, and how many a replica has when it is killed."""
REPLICAS = {"web": 8, "next": 2}
SHARE = 0.25
BEGUN = 1000.0


def second(chance: random.Random, now: float, victim: tuple[str, int]) -> Iterator[Request]:
    """The lines of a second in which perhaps a replica is killed."""
    at = str(now)
    for _ in range(RATE):
        name = "next" if chance.random() < SHARE else "web"
        place = chance.randrange(REPLICAS[name])
        yield Request(target=name, upstream=f"{name}:{place}", status=200, duration=20.0, at=at)
    name, place = victim
    if not name:
        return
    tries = [Request(target=name, upstream=f"{name}:{place}", try_of="1", flags="UC", at=at)]
    ends = [Request(target=name, upstream="/a.sock", status=200, duration=50.0, at=at)]
    others = [Request(target=name, upstream=f"{name}:{place + 1}", status=200, at=at)]
    for _ in range(IN_FLIGHT):
        yield from (*tries, *ends, *chance.choice((others, [])))


def rolled(seed: int) -> Rollout:
    """A rollout of an equal version whose replicas are killed as those of the stable one."""
    chance = random.Random(seed)
    one = rollout.begin(
        "p", "web", "next", {"web": 1, "next": 0}, BEGUN, steps=(Step(weight=25, pause=90.0),)
    )
    tallies = {name: Tally(BEGUN, Manner(idempotent=True)) for name in REPLICAS}
    kill = 0.0
    for tick in range(SECONDS):
        victim = ("", 0)
        if tick >= kill:
            name = chance.choice(list(REPLICAS))
            victim, kill = (name, chance.randrange(REPLICAS[name])), tick + chance.uniform(2, 8)
        lines = list(second(chance, BEGUN + tick, victim))
        for name, tally in tallies.items():
            tally.take(line for line in lines if line.target == name)
        found = rollout.verdict(one, tallies["next"].traffic(), tallies["web"].traffic(), BEGUN)
        one = rollout.advance(one, found, BEGUN + tick)
    return one


def test_kills_roll_next_to_no_equal_version_back() -> None:
    """At most 2 of 100, though twelve requests go with each replica."""
    states = [rolled(seed).state for seed in range(MANY)]
    assert states.count("rolled-back") <= 2 * MANY // 100

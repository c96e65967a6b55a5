"""Which records go to a container next: each gets one outcome, and only poison is rejected."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.batch import decide
from dockyard.batch.decide import Piece, Plan, Policy, Tried

Program = Callable[[tuple[int, ...]], Tried]
POLICY = Policy(tries=3)


class Simulation:
    """A shard that a program works on until it has all outcomes, or is given up."""

    def __init__(self, records: int, program: Program, *, answered: bool = True) -> None:
        self.outcomes: Counter[int] = Counter()
        self.rejected: dict[int, str] = {}
        self.tries = 0
        self.waits: list[float] = []
        self.gave_up = ""
        plan = decide.begin(tuple(range(records)))
        while plan.pieces and not self.gave_up:
            self.tries += 1
            assert self.tries < 100 + 40 * records, "it doesn't end"
            piece = plan.pieces[0]
            tried = program(piece.records)
            done = set(piece.records) - set(tried.left)
            self.outcomes.update(done)
            answered = answered or bool(done)
            step = decide.after(plan, tried, POLICY, answered=answered)
            for position, reason in step.rejected:
                self.outcomes[position] += 1
                self.rejected[position] = reason
            plan, self.gave_up = step.plan, step.gave_up
            self.waits.append(plan.wait)


def streaming(poison: set[int]) -> Program:
    """Answers in order, and dies at the first record that is poison."""

    def program(records: tuple[int, ...]) -> Tried:
        for number, each in enumerate(records):
            if each in poison:
                return Tried(left=records[number:], reason="died")
        return Tried()

    return program


def buffered(poison: set[int]) -> Program:
    """Answers all of them in the end, or none."""

    def program(records: tuple[int, ...]) -> Tried:
        return Tried(left=records, reason="died") if poison & {*records} else Tried()

    return program


@settings(deadline=None)
@given(st.integers(1, 200), st.data(), st.sampled_from([streaming, buffered]))
def test_poison_is_rejected_and_nothing_else(
    records: int, data: st.DataObject, kind: Callable[[set[int]], Program]
) -> None:
    poison = data.draw(st.sets(st.integers(0, records - 1), max_size=min(8, records)))
    found = Simulation(records, kind(poison))
    assert found.gave_up == ""
    assert found.outcomes == Counter(range(records))
    assert set(found.rejected) == poison


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32))
def test_whatever_fails_at_random_each_record_gets_one_outcome(records: int, seed: int) -> None:
    """Some tries bring some answers, in any order, and some none."""
    dice = random.Random(seed)

    def program(asked: tuple[int, ...]) -> Tried:
        kept = dice.choice((0.0, 0.5, 0.9, 1.0, 1.0))
        left = tuple(each for each in asked if dice.random() > kept)
        return Tried(left=left, named=dice.random() < 0.3, reason="died")

    found = Simulation(records, program)
    if not found.gave_up:
        assert found.outcomes == Counter(range(records))
    assert max(found.outcomes.values(), default=1) == 1


def test_one_poison_record_costs_few_containers() -> None:
    assert Simulation(10_000, streaming({5_000})).tries <= 8
    assert Simulation(10_000, buffered({5_000})).tries <= 50


def test_a_program_that_never_answers_is_given_up_soon() -> None:
    found = Simulation(10_000, lambda asked: Tried(left=asked, reason="no such module"),
                       answered=False)  # fmt: skip
    assert "no such module" in found.gave_up
    assert found.rejected == {}
    assert found.tries <= 7


def test_poison_in_front_of_all_is_found_before_anything_was_answered() -> None:
    for kind in (streaming, buffered):
        found = Simulation(1000, kind({0}), answered=False)
        assert set(found.rejected) == {0}, kind


def test_a_shard_of_poison_is_given_up_not_rejected_one_by_one() -> None:
    found = Simulation(1000, streaming(set(range(1000))))
    assert found.gave_up
    assert found.tries < 200
    assert len(found.rejected) == 20


def test_records_that_a_program_names_by_answering_the_others_are_not_divided() -> None:
    def program(asked: tuple[int, ...]) -> Tried:
        return Tried(left=tuple(each for each in asked if each % 100 == 0), named=True,
                     reason="no answer", reasons={100: "too long"})  # fmt: skip

    found = Simulation(1000, program)
    assert found.tries == POLICY.tries
    assert found.rejected == {**dict.fromkeys(range(0, 1000, 100), "no answer"), 100: "too long"}


def test_waits_double_up_to_a_bound() -> None:
    plan, waits = Plan((Piece((1, 2)),), 2), []
    policy = Policy(tries=12, first_wait=0.5, longest_wait=30)
    for _ in range(9):
        plan = decide.after(plan, Tried(left=(1, 2), reason="died"), policy, answered=True).plan
        waits.append(plan.wait)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]

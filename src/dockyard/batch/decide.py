"""What is done with a shard: which records go to a container next, and when to give up. Pure.

A shard begins as one piece, all of its records that have no outcome. After a try of the first piece
it is known which of its records are left. What is left is tried again, after a while that doubles;
when that brings nothing, one of its records may be poison, and the piece is divided until it is
alone: the first record that is left, the most likely one where a program answers in order, against
the others, then halves. A record that fails alone, as often as anything is tried, is rejected, with
the reason.

Two things are no reason to divide. A program that ends well, or a server that lives, has named what
it didn't answer by answering the others. And a program that never answered anything is broken, not
its records: the shard is given up, not rejected one by one. So is one of which twenty records in a
row fail alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

_MARGIN = 2
_UNANSWERED = 4
_MOST_REJECTED = 20


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a batch is."""

    tries: int = 3
    first_wait: float = 0.5
    """Seconds before the second try; then twice as long each time."""
    longest_wait: float = 30.0


class Piece(msgspec.Struct, frozen=True):
    """Records that go to a container together."""

    records: tuple[int, ...]
    tries: int = 0
    """In a row that brought no outcome for any of them."""
    guessed: bool = False
    """The first record was taken away from it already."""


class Plan(msgspec.Struct, frozen=True):
    """What is left of a shard; its pieces in their order."""

    pieces: tuple[Piece, ...]
    size: int
    fruitless: int = 0
    """Tries in a row without an outcome."""
    rejected: int = 0
    """Records in a row that failed alone, with no answer in between."""
    wait: float = 0.0
    """Seconds before the next try."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a try of the first piece brought."""

    left: tuple[int, ...] = ()
    """Its records that have no outcome, in their order."""
    named: bool = False
    """Those that are left are just those that failed: the container is well."""
    reason: str = ""
    reasons: Mapping[int, str] = {}
    """Of single records, where they have their own."""

    def why(self, position: int) -> str:
        """Why a record has no outcome."""
        return self.reasons.get(position, self.reason)


class Step(NamedTuple):
    """What follows from a try."""

    plan: Plan
    rejected: tuple[tuple[int, str], ...] = ()
    """Positions, and why they are given up."""
    gave_up: str = ""
    """Why the whole shard is; empty where it isn't."""


def begin(records: tuple[int, ...]) -> Plan:
    """The plan of a shard with these records to go."""
    return Plan((Piece(records),) if records else (), len(records))


def after(plan: Plan, tried: Tried, policy: Policy, *, answered: bool) -> Step:
    """What follows from a try of the plan's first piece.

    Args:
        answered: whether the batch has got any answer so far, from this try or before.
    """
    piece, rest = plan.pieces[0], plan.pieces[1:]
    if not tried.left:
        return Step(replace(plan, pieces=rest, fruitless=0, rejected=0, wait=0.0))
    if len(tried.left) < len(piece.records):
        again = Piece(tried.left, 1)
        plan = replace(plan, fruitless=0, rejected=0)
        return _next(plan, again, rest, tried, policy, answered)
    plan = replace(plan, fruitless=plan.fruitless + 1)
    if not tried.named and plan.fruitless >= _most_fruitless(plan.size, policy, answered):
        return Step(plan, gave_up=f"{plan.fruitless} tries in a row failed: {tried.reason}")
    again = replace(piece, tries=piece.tries + 1)
    return _next(plan, again, rest, tried, policy, answered)


def _next(
    plan: Plan, piece: Piece, rest: tuple[Piece, ...], tried: Tried, policy: Policy, answered: bool
) -> Step:
    """What to do with a piece of which nothing was answered, or with what is left of one."""
    if piece.tries < policy.tries:
        wait = min(policy.first_wait * 2 ** (piece.tries - 1), policy.longest_wait)
        return Step(replace(plan, pieces=(piece, *rest), wait=wait))
    plan = replace(plan, wait=0.0)
    if len(piece.records) > 1 and not tried.named:
        divided = _divided(piece, policy)
        pieces = (*divided, *rest) if answered else (*rest, *divided)
        return Step(replace(plan, pieces=pieces))
    if not answered:
        return Step(plan, gave_up=f"no record was ever answered: {tried.why(piece.records[0])}")
    if not tried.named:
        plan = replace(plan, rejected=plan.rejected + 1)
    if plan.rejected > _MOST_REJECTED:
        return Step(plan, gave_up=f"{plan.rejected} records in a row failed alone: {tried.reason}")
    rejected = tuple((each, tried.why(each)) for each in piece.records)
    return Step(replace(plan, pieces=rest, fruitless=0), rejected)


def _divided(piece: Piece, policy: Policy) -> tuple[Piece, ...]:
    """Two pieces. The suspect comes after the others: their answers show that the program works."""
    records = piece.records
    if not piece.guessed:
        return (_part(records[1:], policy, guessed=True), _part(records[:1], policy))
    half = len(records) // 2
    return (_part(records[:half], policy), _part(records[half:], policy))


def _part(records: tuple[int, ...], policy: Policy, *, guessed: bool = False) -> Piece:
    """A part of what failed: one more try before it is divided, too; one record gets all tries."""
    if len(records) == 1:
        return Piece(records)
    return Piece(records, policy.tries - 1, guessed)


def _most_fruitless(size: int, policy: Policy, answered: bool) -> int:
    """So many tries lead from a whole shard to one record alone, each level guessed and halved.

    Where nothing was ever answered, some pieces without each other's records are enough to see
    that it isn't one of them.
    """
    if not answered:
        return policy.tries + _UNANSWERED
    return 2 * policy.tries + 2 * math.ceil(math.log2(size + 1)) + _MARGIN

"""Which shard a worker gets: each once, and those that tell nothing of the program later."""

from __future__ import annotations

import threading
from pathlib import Path

from dockyard.batch.board import Board
from dockyard.batch.journal import Journal
from dockyard.batch.model import Counts, Outcome, Shard, ShardState


def shards(*states: ShardState) -> list[Shard]:
    return [
        Shard(number=n, first=n, last=n + 1, state=state,
              counts=Counts(results=state == "done"))
        for n, state in enumerate(states)
    ]  # fmt: skip


def numbers(board: Board) -> list[int]:
    taken = []
    while (shard := board.take()) is not None:
        taken.append(shard.number)
        board.settle(Shard(number=shard.number, first=0, last=1, state="done",
                           counts=Counts(results=1)))  # fmt: skip
    return taken


def test_done_shards_are_done_and_failed_ones_are_tried_again() -> None:
    board = Board(shards("done", "pending", "failed"))
    assert board.counts == Counts(results=1)
    assert numbers(board) == [1, 2]
    assert board.counts == Counts(results=3)


def test_a_shard_that_is_put_off_comes_again_once_something_was_answered(tmp_path: Path) -> None:
    board = Board(shards("pending", "pending"))
    first = board.take()
    assert first is not None
    board.defer(first)
    assert not board.hopeless
    second = board.take()
    assert second is not None
    with Journal(str(tmp_path / "journal")) as journal:
        board.opened(second, journal)
        before = board.answered
        journal.add(Outcome(1, "result", b"{}"))
        assert (before, board.answered) == (False, True)
        assert board.counts == Counts(results=1)
        again = board.take()
    assert again is not None
    assert again.number == 0


def test_nothing_answered_at_all_is_hopeless() -> None:
    board = Board(shards("pending"))
    only = board.take()
    assert only is not None
    board.defer(only)
    assert board.take() is None
    assert board.hopeless


def test_after_three_shards_without_an_answer_the_others_are_not_tried() -> None:
    board = Board(shards(*["pending"] * 10))  # type: ignore[arg-type]  # they are states
    for _ in range(3):
        shard = board.take()
        assert shard is not None
        board.defer(shard)
    assert board.hopeless
    assert board.take() is None


def test_who_waits_for_a_shard_gets_the_one_that_comes_back() -> None:
    board = Board(shards("pending", "pending"))
    first, second = board.take(), board.take()
    assert first is not None
    assert second is not None
    taken: list[Shard | None] = []
    waiting = threading.Thread(target=lambda: taken.append(board.take()))
    waiting.start()
    board.defer(first)
    board.settle(Shard(number=1, first=1, last=2, state="done", counts=Counts(results=1)))
    waiting.join(10)
    assert [each and each.number for each in taken] == [0]


def test_a_closed_board_hands_out_nothing() -> None:
    board = Board(shards("pending"))
    board.close()
    assert board.take() is None

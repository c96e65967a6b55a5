"""The work on one shard: tries until each of its records has an outcome, or it is given up."""

from __future__ import annotations

from msgspec.structs import replace

from dockyard.batch import contract, decide, piped, served
from dockyard.batch.board import Board
from dockyard.batch.decide import Piece, Policy, Tried
from dockyard.batch.journal import Journal
from dockyard.batch.model import Shard
from dockyard.batch.notes import Notes
from dockyard.batch.output import Output
from dockyard.batch.served import Server
from dockyard.batch.store import BatchStore
from dockyard.batch.tries import Desk, Means, own_id


class Worker:
    """Works on one shard after the other; with HTTP, by one container while that lives."""

    def __init__(self, means: Means, board: Board, output: Output, store: BatchStore) -> None:
        self._means = means
        self._board = board
        self._output = output
        self._store = store
        self._policy = Policy(tries=means.batch.job.tries)
        self._server = None if means.batch.job.http is None else Server(means)

    def work(self) -> None:
        """Works until there is no shard any more.

        Raises:
            Canceled: the batch ends.
            DockyardError, OSError: it can't go on.
        """
        try:
            while (shard := self._board.take()) is not None:
                self._shard(shard)
        finally:
            if self._server is not None:
                self._server.close()

    def _shard(self, shard: Shard) -> None:
        directory = self._means.engine.paths.batch(self._means.batch.id)
        with (
            Journal(f"{directory}/journal-{shard.number:04}") as journal,
            Notes(f"{directory}/logs/shard-{shard.number:04}.log") as notes,
        ):
            self._board.opened(shard, journal)
            try:
                shard = self._settled(shard, Desk(journal=journal, notes=notes))
                if shard.state == "done":
                    self._commit(shard, journal)
            except BaseException:
                self._board.settle(shard)
                raise
            self._leave(shard)

    def _settled(self, shard: Shard, desk: Desk) -> Shard:
        """The shard with an outcome for each record (``done``), or ``failed``."""
        plan = decide.begin(desk.left(range(shard.first, shard.last)))
        while plan.pieces:
            self._means.watch.wait(plan.wait)
            shard = replace(shard, tries=shard.tries + 1)
            desk.notes.begin(f"shard {shard.number}, try {shard.tries}")
            tried = self._try(desk, plan.pieces[0])
            if tried.left:
                shard = replace(shard, error=tried.why(tried.left[0]))
            step = decide.after(plan, tried, self._policy, answered=self._board.answered)
            for position, reason in step.rejected:
                self._reject(desk, position, reason)
            if step.gave_up:
                return replace(
                    shard, state="failed", error=step.gave_up, counts=desk.journal.counts
                )
            plan = step.plan
        return replace(shard, state="done", counts=desk.journal.counts)

    def _try(self, desk: Desk, piece: Piece) -> Tried:
        if self._server is None:
            return piped.attempt(self._means, desk, piece.records)
        return served.attempt(
            self._means, desk, self._server, piece.records, one_by_one=piece.tries > 0
        )

    def _reject(self, desk: Desk, position: int, reason: str) -> None:
        field = self._means.batch.id_field
        own = own_id(self._means.staged.line(position), field)
        desk.journal.add(contract.rejection(position, own, field, reason))
        desk.journal.flush()

    def _commit(self, shard: Shard, journal: Journal) -> None:
        self._output.commit(shard, journal.outcomes(shard.first, shard.last))
        self._store.put_shard(self._means.batch.id, shard)
        journal.remove()

    def _leave(self, shard: Shard) -> None:
        if shard.state == "failed" and not self._board.answered:
            self._board.defer(replace(shard, state="pending"))
            return
        if shard.state == "failed":
            self._store.put_shard(self._means.batch.id, shard)
        self._board.settle(shard)

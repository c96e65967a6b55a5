"""Runs a batch that is split: workers in threads, and this thread, which watches them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from dockyard.batch.board import Board
from dockyard.batch.model import Batch, Progress
from dockyard.batch.output import Output
from dockyard.batch.store import BatchStore
from dockyard.batch.tries import Means
from dockyard.batch.watch import Canceled
from dockyard.batch.work import Worker

Listener = Callable[[Progress], None]

_POLL_SECONDS = 0.1
_RECORD_SECONDS = 1.0
_LOOK_SECONDS = 0.25


class Run:
    """One run of a batch. Call :meth:`run` once."""

    def __init__(self, means: Means, output: Output, store: BatchStore, listener: Listener) -> None:
        self._means = means
        self._output = output
        self._store = store
        self._listener = listener
        self._board = Board(store.shards(means.batch.id))
        self._resumed = self._board.settled.settled
        self._error: BaseException | None = None
        self._begun = time.monotonic()

    def run(self) -> Batch:
        """Works until the batch is done, given up, or canceled; its record then.

        Raises:
            KeyboardInterrupt: the user ended it; its containers are gone.
            DockyardError, OSError: it can't go on. Its record says why.
        """
        interrupted: BaseException | None = None
        threads = self._start()
        try:
            self._watch(threads)
        except BaseException as error:  # noqa: BLE001  # raised when the workers have ended
            interrupted = error
        self._stop(threads)
        self._means.meter.look()
        if interrupted is not None and not isinstance(interrupted, KeyboardInterrupt | SystemExit):
            self._error = interrupted
        batch = self._over(canceled=interrupted is not None or self._is_canceled)
        if batch.state != "done":  # that is said once the output says it
            self._store.put(batch)
        failure = interrupted or self._error
        if failure is not None and not isinstance(failure, Canceled):
            raise failure
        return batch

    @property
    def _is_canceled(self) -> bool:
        return self._error is None and self._means.watch.stopping.is_set()

    def _start(self) -> list[threading.Thread]:
        job = self._means.batch.job
        open_ones = sum(each.state != "done" for each in self._board.shards)
        threads = [
            threading.Thread(target=self._work, name=f"batch-{number}")
            for number in range(min(job.parallel, open_ones))
        ]
        for thread in threads:
            thread.start()
        return threads

    def _work(self) -> None:
        try:
            Worker(self._means, self._board, self._output, self._store).work()
        except Canceled:
            pass
        except BaseException as error:  # noqa: BLE001  # raised in the thread that watches
            self._error = self._error or error
            self._means.watch.stopping.set()
        finally:
            if self._means.watch.stopping.is_set():
                self._board.close()

    def _watch(self, threads: list[threading.Thread]) -> None:
        looked = recorded = 0.0
        while any(thread.is_alive() for thread in threads):
            now = time.monotonic()
            self._means.watch.check()
            if now - looked > _LOOK_SECONDS:
                self._means.meter.look()
                looked = now
            if now - recorded > _RECORD_SECONDS:
                self._record()
                recorded = now
            if self._board.hopeless:
                self._board.close()
            self._listener(self._progress())
            next(iter(threads)).join(_POLL_SECONDS)
            threads = [each for each in threads if each.is_alive()]
        self._listener(self._progress())

    def _record(self) -> None:
        """Says how far it is, for other commands, and sees whether one asks for its end."""
        if self._store.is_canceling(self._means.batch.id):
            self._means.watch.stopping.set()
        self._store.put(self._now(), durable=False)

    def _stop(self, threads: list[threading.Thread]) -> None:
        """Ends what still works, whatever else happens; a second Ctrl-C waits, too."""
        alive = [each for each in threads if each.is_alive()]
        if alive:
            self._means.watch.stopping.set()
            self._board.close()
        while alive:
            with contextlib.suppress(KeyboardInterrupt):
                self._means.watch.check()
                alive[0].join(_POLL_SECONDS)
                alive = [each for each in alive if each.is_alive()]

    def _now(self) -> Batch:
        batch = self._means.batch
        return replace(
            batch, counts=self._board.counts, cost=batch.cost + self._means.meter.cost,
            busy_seconds=batch.busy_seconds + time.monotonic() - self._begun,
        )  # fmt: skip

    def _over(self, *, canceled: bool) -> Batch:
        """The record at the end of this run."""
        batch = replace(self._now(), finished=time.time_ns())
        if self._error is not None:
            return replace(batch, state="failed", error=str(self._error))
        if canceled:
            return replace(batch, state="canceled", error="")
        shards = self._board.shards
        open_ones = [each for each in shards if each.state != "done"]
        if not open_ones:
            return replace(batch, state="done", error="")
        first = next((each for each in open_ones if each.error), open_ones[0])
        return replace(
            batch, state="failed", error=f"shard {first.number} was given up: {first.error}"
        )

    def _progress(self) -> Progress:
        shards = self._board.shards
        return Progress(
            total=self._means.batch.records,
            counts=self._board.counts,
            resumed=self._resumed,
            containers=self._board.working,
            shards_done=sum(each.state == "done" for each in shards),
            shards=len(shards),
            seconds=time.monotonic() - self._begun,
        )

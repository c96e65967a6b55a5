"""The batches of a root: run, gone on with, looked at, canceled, forgotten."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from dockyard.batch import jobs, runner
from dockyard.batch import output as outputs
from dockyard.batch.apply import Listener
from dockyard.batch.model import Batch, BatchState, Job, Progress, Shard
from dockyard.batch.output import Output
from dockyard.batch.runner import Runner
from dockyard.batch.store import BatchStore
from dockyard.containers.options import Options
from dockyard.errors import Conflict, DiskFull, NotFound
from dockyard.images.model import Image
from dockyard.state.locks import Lock
from dockyard.system.files import read_text, remove_tree

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_ID_BYTES = 6
_PATIENCE_SECONDS = 1.0
"""Others hold the lock of a batch for a moment, to see whether anybody does."""
_TRANSITIONAL: frozenset[BatchState] = frozenset({"splitting", "running"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _silent(_progress: Progress) -> None:
    """A library says nothing unless asked to."""


class Batches:
    """The batches of one root."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = BatchStore(engine.database)
        self._clear_up()

    def list(self) -> tuple[Batch, ...]:
        """All of them, the newest first."""
        return tuple(self._store.all())

    def get(self, text: str) -> Batch:
        """A batch by its id, or the beginning of it.

        Raises:
            NotFound, InvalidInput: there is none, or there are several.
        """
        return self._store.find(text)

    def shards(self, batch: Batch) -> tuple[Shard, ...]:
        """Its shards in their order; none while it is being split."""
        return tuple(self._store.shards(batch.id))

    def state(self, batch: Batch) -> str:
        """Its state, or ``interrupted`` where nobody is left who runs it."""
        if batch.state in _TRANSITIONAL and not self._runs(batch):
            return "interrupted"
        return batch.state

    def run(
        self, image: Image | str, *, input: str, output: str,  # noqa: A002  # the option's word
        command: Sequence[str] | None = None, options: Options | None = None,
        listener: Listener = _silent, **settings: Any,
    ) -> Batch:  # fmt: skip
        """Gives the records of an input to containers of an image, until each has an outcome.

        A batch that was begun before with the same job goes on; one that is done is left alone.

        Args:
            input: a JSONL, CSV or Parquet file, or a folder of files.
            output: the directory for results, which is made.
            command: instead of the image's CMD.
            options: everything else that its containers have.
            listener: hears how far it is, some times a second.
            settings: fields of :class:`dockyard.batch.model.Job`: ``shards``, ``parallel``,
                ``http``, ``tries``, ``timeout``; and ``id_field`` and ``form`` of its source.

        Returns:
            Its record: ``done``, or ``failed`` where shards were given up, or ``canceled`` where
            another command asked for that.

        Raises:
            Conflict: another batch has the output, or uses it.
            InvalidInput: the input has something wrong, or the output can't be written.
            NotFound: no such image or input.
            DockyardError: it can't go on; what is done stays, and :meth:`resume` goes on.
        """
        found = self._engine.resolve(image) if isinstance(image, str) else image
        wanted = options or Options()
        if command is not None:
            wanted = replace(wanted, command=tuple(command))
        name = image if isinstance(image, str) else next(iter(image.names), image.id)
        job = jobs.make(found.id, name, wanted, input, output, **settings)
        return self.run_job(job, listener=listener)

    def run_job(self, job: Job, *, listener: Listener = _silent) -> Batch:
        """As :meth:`run`, for a job that :func:`dockyard.batch.jobs.make` made."""
        with contextlib.closing(outputs.claim(job.output)) as output:
            batch = self._begun(output, job)
            if batch.state == "done":
                return batch
            return self._go_on(batch, output, listener)

    def resume(
        self, text: str, *, parallel: int | None = None, listener: Listener = _silent
    ) -> Batch:
        """Goes on with a batch; see :meth:`run`. Shards that were given up are tried again.

        Args:
            parallel: containers at a time; as before where ``None``.
        """
        batch = self.get(text)
        if parallel is not None:
            batch = replace(batch, job=replace(batch.job, parallel=jobs.positive(parallel)))
        if batch.state == "done":
            return batch
        with contextlib.closing(outputs.claim(batch.job.output)) as output:
            if output.owner not in {"", batch.id}:
                raise _taken(output)
            output.own(batch.id)
            return self._go_on(batch, output, listener)

    def cancel(self, text: str) -> Batch:
        """Ends a batch that runs, and its containers; :meth:`resume` goes on with it.

        Raises:
            Conflict: it is done.
        """
        batch = self.get(text)
        if batch.state == "done":
            raise Conflict(f"batch {batch.id} is done", hint=f"its output is in {batch.job.output}")
        self._store.ask_to_cancel(batch.id)
        with self._lock(batch) as lock:
            self._store.ask_to_cancel(batch.id, cancel=False)
            batch = self.get(batch.id)
            if batch.state != "done":
                runner.sweep(self._engine, batch)
                batch = replace(batch, state="canceled", error="")
                self._store.put(batch)
            lock.release(remove=True)
        return batch

    def remove(self, text: str) -> Batch:
        """Forgets a batch; what of its output is there stays.

        Raises:
            Conflict: it runs.
        """
        batch = self.get(text)
        with self._lock(batch, _PATIENCE_SECONDS) as lock:
            runner.sweep(self._engine, batch)
            self._store.remove(batch.id)
            remove_tree(self._directory(batch))
            marker = f"{batch.job.output}/{outputs.MARKER}"
            if batch.state != "done" and read_text(marker).strip() == batch.id:
                with contextlib.suppress(OSError):
                    os.unlink(marker)
            lock.release(remove=True)
        return batch

    def logs(self, text: str, *, shard: int | None = None) -> Iterator[bytes]:
        """What its containers wrote to standard error (servers: all they printed), by shard.

        Raises:
            NotFound: there is no such batch, or no such shard.
        """
        batch = self.get(text)
        if shard is not None and not 0 <= shard < max(batch.shards, 1):
            raise NotFound(
                f"batch {batch.id} has no shard {shard}",
                hint=f"its shards are 0 to {batch.shards - 1}",
            )
        numbers = range(batch.shards) if shard is None else (shard,)
        for number in numbers:
            with contextlib.suppress(FileNotFoundError):
                path = f"{self._directory(batch)}/logs/shard-{number:04}.log"
                with open(path, "rb") as stream:
                    while data := stream.read(1 << 16):
                        yield data

    def _begun(self, output: Output, job: Job) -> Batch:
        """The batch that the output belongs to, which has to be of this job, or a new one."""
        owner = output.owner
        if not owner:
            batch = Batch(id=os.urandom(_ID_BYTES).hex(), job=job, state="splitting",
                          created=time.time_ns())  # fmt: skip
            self._forget_unbegun(job.output)
            self._store.add(batch)
            output.own(batch.id)
            return batch
        known = self._store.get(owner)
        if known is None:
            raise _taken(output)
        if (difference := _difference(known.job, job)) is not None:
            raise Conflict(
                f"output {job.output} is that of batch {known.id}, whose {difference} was another",
                hint=f"dockyard batch resume {known.id} goes on with that one; name another"
                " directory with --output",
                reference="another-batch",
            )
        return known if known.state == "done" else replace(known, job=job)

    def _forget_unbegun(self, output: str) -> None:
        """Batches whose command was killed before it could say whose the output is."""
        for batch in self._store.all():
            if batch.job.output == output and not batch.records:
                self._store.remove(batch.id)
                remove_tree(self._directory(batch))

    def _go_on(self, batch: Batch, output: Output, listener: Listener) -> Batch:
        try:
            lock = self._lock(batch, _PATIENCE_SECONDS)
        except Conflict as error:
            raise Conflict(
                f"batch {batch.id} runs already",
                hint=f"dockyard batch status {batch.id} shows how far it is",
            ) from error
        try:
            with self._translated(batch):
                return Runner(self._engine, self._store, output, listener).run(batch)
        finally:
            lock.release(remove=True)

    @contextlib.contextmanager
    def _translated(self, batch: Batch) -> Iterator[None]:
        """A full disk says how to go on."""
        hint = f"free some space, then: dockyard batch resume {batch.id}"
        try:
            yield
        except DiskFull as error:
            error.hint = hint
            raise
        except OSError as error:
            if error.errno not in _FULL:
                raise
            full = DiskFull(str(error.filename or batch.job.output))
            full.hint = hint
            raise full from error

    def _clear_up(self) -> None:
        """Removes what the containers of killed batches still occupy."""
        for batch in self._store.all():
            if batch.state in _TRANSITIONAL:
                lock = Lock.try_acquire(self._engine.parts.lock_path(_holder(batch)))
                if lock is not None:
                    runner.sweep(self._engine, batch)
                    lock.release(remove=True)

    def _runs(self, batch: Batch) -> bool:
        lock = Lock.try_acquire(self._engine.parts.lock_path(_holder(batch)), shared=True)
        if lock is None:
            return True
        lock.release(remove=True)
        return False

    def _lock(self, batch: Batch, timeout: float | None = None) -> Lock:
        return self._engine.parts.lock(_holder(batch), timeout)

    def _directory(self, batch: Batch) -> str:
        return self._engine.paths.batch(batch.id)


def _holder(batch: Batch) -> str:
    return f"batch-{batch.id}"


def _difference(before: Job, now: Job) -> str | None:
    """The first thing in which two jobs differ, in words; ``None`` where they don't."""
    words = {
        "image_id": "image", "source": "input", "http": "contract", "options": "options",
        "shards": "number of shards",
    }  # fmt: skip
    for name, word in words.items():
        if getattr(before, name) != getattr(now, name):
            return word
    return None


def _taken(output: Output) -> Conflict:
    what = "finished " if output.complete else ""
    return Conflict(
        f"output {output.path} is that of a {what}batch that isn't known here",
        hint="name another directory with --output",
        reference="output-not-empty",
    )

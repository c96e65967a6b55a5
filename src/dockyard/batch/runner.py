"""From a batch that is to go on to one that is done: split if it isn't yet, worked on, closed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from dockyard.batch import containers, read, split, staging
from dockyard.batch.apply import Listener, Run
from dockyard.batch.cost import Meter
from dockyard.batch.model import DEFAULT_ID, Batch, Counts, Progress, Shard
from dockyard.batch.output import Output
from dockyard.batch.store import BatchStore
from dockyard.batch.tries import Means
from dockyard.batch.watch import Canceled, Watch
from dockyard.errors import DiskFull, DockyardError, NotFound
from dockyard.state.paths import make_directory
from dockyard.system.files import remove_tree

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine


class Runner:
    """Runs batches whose lock and output the caller holds."""

    def __init__(
        self, engine: Engine, store: BatchStore, output: Output, listener: Listener
    ) -> None:
        self._engine = engine
        self._store = store
        self._output = output
        self._listener = listener

    def run(self, batch: Batch) -> Batch:
        """Splits it where it isn't yet, and works on what is left; its record then.

        Raises:
            DockyardError, OSError, KeyboardInterrupt: it can't go on, or shall not.
        """
        self._store.ask_to_cancel(batch.id, cancel=False)
        sweep(self._engine, batch)
        started = time.time_ns()
        if not batch.records:
            batch = replace(batch, state="splitting", started=started)
            self._store.put(batch)
            try:
                batch = self._split(batch)
            except Canceled:
                batch = replace(batch, state="canceled")
                self._store.put(batch)
                return batch
        batch = replace(batch, state="running", started=started, finished=0, error="")
        self._store.put(batch)
        self._require_files(batch)
        batch = self._work(batch)
        if batch.state == "done":
            self._output.finish(manifest(batch, self._store.shards(batch.id)))
            self._store.put(batch)
            self._drop_records(batch)
        return batch

    def _require_files(self, batch: Batch) -> None:
        """Shards whose files somebody removed are made again."""
        for shard in self._store.shards(batch.id):
            if shard.state == "done" and not os.path.exists(f"{self._output.path}/{shard.name}"):
                fresh = Shard(number=shard.number, first=shard.first, last=shard.last)
                self._store.put_shard(batch.id, fresh)

    def _split(self, batch: Batch) -> Batch:
        source = batch.job.source
        directory = self._engine.paths.batch(batch.id)
        try:
            for each in (os.path.dirname(directory), directory, f"{directory}/logs"):
                make_directory(each)
            records = split.records(read.rows(source), source.id_field, source.path)
            tell = self._reading(batch)
            count = staging.write(directory, records, source.path, tell)
        except DiskFull:
            raise
        except DockyardError:
            self._store.remove(batch.id)
            remove_tree(directory)
            self._output.abandon()
            raise
        shards = list(split.shards(count, batch.job.shards))
        batch = replace(
            batch, state="running", records=count, shards=len(shards),
            id_field=source.id_field or DEFAULT_ID,
        )  # fmt: skip
        self._store.begin(batch, shards)
        return batch

    def _reading(self, batch: Batch) -> Callable[[int], None]:
        def tell(count: int) -> None:
            if self._store.is_canceling(batch.id):
                raise Canceled
            self._listener(Progress(total=count, counts=Counts(), splitting=True))

        return tell

    def _work(self, batch: Batch) -> Batch:
        engine = self._engine
        try:
            image = engine.images.get(batch.job.image_id)
        except NotFound as error:
            raise NotFound(
                f"image {batch.job.image_name} of batch {batch.id} was removed",
                hint=f"bring it back, then: dockyard batch resume {batch.id}",
            ) from error
        staged = staging.Staged(self._engine.paths.batch(batch.id))
        meter = Meter(engine.parts, batch.id, batch.job.options)
        watch = Watch(lambda container: _end(engine, container))
        means = Means(engine=engine, batch=batch, image=image, staged=staged, watch=watch,
                      meter=meter)  # fmt: skip
        with contextlib.closing(staged), contextlib.closing(meter):
            return Run(means, self._output, self._store, self._listener).run()

    def _drop_records(self, batch: Batch) -> None:
        directory = self._engine.paths.batch(batch.id)
        for name in os.listdir(directory):
            if name != "logs":
                os.unlink(f"{directory}/{name}")


def sweep(engine: Engine, batch: Batch) -> None:
    """Removes what the containers of a batch that nobody runs still occupy."""
    containers.sweep(engine, batch.id)
    Meter(engine.parts, batch.id, batch.job.options).close()


def manifest(batch: Batch, shards: Sequence[Shard]) -> dict[str, Any]:
    """What the output's ``manifest.json`` says."""
    return {
        "batch": batch.id,
        "image": batch.job.image_name,
        "imageId": batch.job.image_id,
        "input": batch.job.source.path,
        "records": batch.records,
        "results": batch.counts.results,
        "rejected": batch.counts.rejected,
        "cpuSeconds": round(batch.cost.cpu_seconds, 3),
        "memoryByteSeconds": round(batch.cost.memory_byte_seconds),
        "shards": [
            {
                "file": each.name,
                "results": each.counts.results,
                "rejected": each.counts.rejected,
                **({"rejectedFile": each.rejected_name} if each.counts.rejected else {}),
            }
            for each in shards
        ],
    }


def _end(engine: Engine, container: str) -> None:
    with contextlib.suppress(DockyardError):
        containers.remove(engine, container)

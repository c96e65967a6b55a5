"""What a batch is: values only. Times are nanoseconds since 1970, durations seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.containers.options import Options

Format = Literal["jsonl", "csv", "parquet", "files"]
BatchState = Literal["splitting", "running", "done", "failed", "canceled"]
"""``splitting`` and ``running`` are transitional: their author holds the batch's lock, and a batch
without such an author was interrupted. ``failed`` has shards that were given up."""
ShardState = Literal["pending", "done", "failed"]
OutcomeKind = Literal["result", "rejection"]

DEFAULT_TRIES = 3
DEFAULT_TIMEOUT = 300.0
DEFAULT_ID = "id"
LABEL = "dockyard.batch"
"""On each container of a batch, with its id."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the records come from."""

    path: str
    """Absolute; a file, or a directory for ``files``."""
    format: Format
    id_field: str = ""
    """The field that has the id; empty: ``id`` where the first record has one, else its number."""
    fingerprint: str = ""
    """Changes when the input is replaced or written to."""


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """Records are posted to a port of the container, one a request."""

    port: int
    path: str = "/"
    ready: str = "/"
    """It is ready when a GET of this is answered with a status below 500."""
    ready_seconds: float = 60.0
    """It has so long for that."""
    concurrency: int = 4
    """Requests at a time, for each container."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    image_id: str
    image_name: str
    options: Options
    source: Source
    output: str
    """An absolute directory."""
    shards: int = 0
    """0: as many as make them small."""
    parallel: int = 1
    """Containers at a time."""
    http: Http | None = None
    """``None``: records are lines of standard input, outcomes lines of standard output."""
    tries: int = DEFAULT_TRIES
    """How often what fails is tried in all."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds: until an HTTP request is answered, or without any line on standard output."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the containers of a batch used."""

    cpu_seconds: float = 0.0
    memory_byte_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            memory_byte_seconds=self.memory_byte_seconds + other.memory_byte_seconds,
        )


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How far a batch, or a shard, has come: records that have an outcome."""

    results: int = 0
    rejected: int = 0

    @property
    def settled(self) -> int:
        return self.results + self.rejected

    def __add__(self, other: Counts) -> Counts:
        return Counts(results=self.results + other.results, rejected=self.rejected + other.rejected)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a batch."""

    id: str
    job: Job
    state: BatchState
    created: int
    started: int = 0
    """When its last run began."""
    finished: int = 0
    busy_seconds: float = 0.0
    """How long runs of it took that are over."""
    records: int = 0
    shards: int = 0
    id_field: str = ""
    """The field that carries the id in each record, once it is split."""
    counts: Counts = Counts()
    cost: Cost = Cost()
    error: str = ""

    @property
    def resumable(self) -> bool:
        return self.state != "done"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A run of records, by their positions in the input: ``first`` up to ``last``, exclusive."""

    number: int
    first: int
    last: int
    state: ShardState = "pending"
    counts: Counts = Counts()
    tries: int = 0
    """Containers that were started for it, or servers that were asked."""
    error: str = ""
    """Why the last try failed; empty when none did."""

    @property
    def name(self) -> str:
        """Of its file: ``shard-0007.jsonl``."""
        return f"shard-{self.number:04}.jsonl"

    @property
    def rejected_name(self) -> str:
        """Of the file with its rejections, which is there when it has some."""
        return f"rejected-{self.number:04}.jsonl"


class Record(msgspec.Struct, frozen=True):
    """One record of the input, as it is given to a container."""

    id: str | int
    line: bytes
    """A JSON object without its newline."""
    place: int
    """Its line (or row, or number of the file), from 1."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of one record."""

    position: int
    kind: OutcomeKind
    line: bytes
    """A JSON object with the record's id, without its newline."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a running batch has come."""

    total: int
    counts: Counts
    resumed: int = 0
    """Records that had an outcome when this run began."""
    containers: int = 0
    """Shards at work."""
    shards_done: int = 0
    shards: int = 0
    seconds: float = 0.0
    """Since this run began."""
    splitting: bool = False
    """Records are still being read; ``counts`` are of those read."""

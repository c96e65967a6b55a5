"""What commands print of batches, and how far one is."""

from __future__ import annotations

from dockyard.batch.model import Batch, Cost, Counts, Job, Progress, Shard, Source
from dockyard.cli import batch_progress, batch_view
from dockyard.containers.options import Options

JOB = Job(image_id="sha256:1", image_name="classify", options=Options(), output="/out",
          source=Source(path="/in.jsonl", format="jsonl"))  # fmt: skip
BATCH = Batch(
    id="0a1b2c", job=JOB, state="done", created=1_700_000_000 * 10**9, records=1000, shards=4,
    counts=Counts(results=990, rejected=10), busy_seconds=20.0,
    cost=Cost(cpu_seconds=31.25, memory_byte_seconds=3 * 2**30),
)  # fmt: skip
SHARDS = [Shard(number=n, first=250 * n, last=250 * (n + 1), state="done") for n in range(4)]


def test_the_summary_has_counts_rate_and_cost() -> None:
    assert batch_view.summary(BATCH, "done", SHARDS).splitlines() == [
        "Batch:    0a1b2c (done)",
        "Image:    classify",
        "Input:    /in.jsonl",
        "Output:   /out",
        "Records:  1000: 990 results, 10 rejected",
        "Shards:   4 of 4 done",
        "Time:     20 seconds, 50 records/s",
        "Cost:     31.2 CPU seconds, 3.00 GiB seconds of memory",
    ]


def test_the_document_has_the_same_in_numbers() -> None:
    found = batch_view.document(BATCH, "done", SHARDS)
    assert (found["Results"], found["Rejected"], found["ShardsDone"]) == (990, 10, 4)
    assert (found["CPUSeconds"], found["MemoryByteSeconds"]) == (31.25, 3 * 2**30)


def progress(settled: int, **fields: float) -> Progress:
    given: dict[str, float] = {"seconds": 10.0, "containers": 2} | fields
    return Progress(total=1000, counts=Counts(results=settled), **given)  # type: ignore[arg-type]


def test_the_bar_has_rate_and_time_left() -> None:
    line = batch_progress.line(progress(400))
    assert line == "[========>           ] 400/1000, 40/s, 0:15 left, 2 at work"
    assert batch_progress.line(progress(1000)).startswith(f"[{'=' * 20}] 1000/1000, ")


def test_the_rate_is_that_of_this_run() -> None:
    assert batch_progress.rate(progress(400, resumed=300)) == 10
    assert batch_progress.rate(progress(300, resumed=300)) is None
    assert batch_progress.rate(progress(400, seconds=0.5)) is None
    slow = batch_progress.line(progress(310, resumed=300))
    assert ", 1.0/s, 11:30 left," in slow


def test_long_times() -> None:
    assert [batch_progress.clock(seconds) for seconds in (0, 59.6, 3725)] == [
        "0:00", "1:00", "1:02:05",
    ]  # fmt: skip

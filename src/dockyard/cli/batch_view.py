"""Batches as the rows of ``batch ls`` and the documents and text of ``batch status``. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dockyard.batch.model import Batch, Shard
from dockyard.cli.units import duration, since, timestamp

TITLES = {
    "ID": "BATCH ID", "Image": "IMAGE", "Status": "STATUS", "Records": "RECORDS",
    "Settled": "SETTLED", "Results": "RESULTS", "Rejected": "REJECTED", "Shards": "SHARDS",
    "CreatedAt": "CREATED AT", "Created": "CREATED", "Input": "INPUT", "Output": "OUTPUT",
    "Contract": "CONTRACT",
}  # fmt: skip
COLUMNS = ("ID", "Image", "Status", "Settled", "Rejected", "Created", "Output")
SHARD_TITLES = {
    "Number": "SHARD", "State": "STATE", "Records": "RECORDS", "Results": "RESULTS",
    "Rejected": "REJECTED", "Tries": "TRIES", "Error": "LAST FAILURE",
}  # fmt: skip
SHARD_COLUMNS = tuple(SHARD_TITLES)
_GIB, _MIB = 1 << 30, 1 << 20
_OPEN_SHARDS = 20


def row(batch: Batch, state: str) -> dict[str, str]:
    """The fields of one batch; ``state`` is as :meth:`dockyard.batch.batches.Batches.state`."""
    counts = batch.counts
    return {
        "ID": batch.id,
        "Image": batch.job.image_name,
        "Status": state,
        "Records": str(batch.records),
        "Settled": f"{counts.settled}/{batch.records}",
        "Results": str(counts.results),
        "Rejected": str(counts.rejected),
        "Shards": str(batch.shards),
        "CreatedAt": timestamp(batch.created),
        "Created": since(batch.created),
        "Input": batch.job.source.path,
        "Output": batch.job.output,
        "Contract": "stdin" if batch.job.http is None else f"http:{batch.job.http.port}",
    }


def document(batch: Batch, state: str, shards: Sequence[Shard]) -> dict[str, Any]:
    """What ``--format json`` prints of a batch."""
    return {
        "ID": batch.id,
        "Image": batch.job.image_name,
        "ImageID": batch.job.image_id,
        "Status": state,
        "Error": batch.error,
        "Input": batch.job.source.path,
        "Output": batch.job.output,
        "Records": batch.records,
        "Results": batch.counts.results,
        "Rejected": batch.counts.rejected,
        "Shards": batch.shards,
        "ShardsDone": sum(each.state == "done" for each in shards),
        "CreatedAt": timestamp(batch.created),
        "Seconds": round(batch.busy_seconds, 3),
        "CPUSeconds": round(batch.cost.cpu_seconds, 3),
        "MemoryByteSeconds": round(batch.cost.memory_byte_seconds),
    }


def summary(batch: Batch, state: str, shards: Sequence[Shard]) -> str:
    """A batch in some lines."""
    counts, seconds = batch.counts, batch.busy_seconds
    done = sum(each.state == "done" for each in shards)
    rate = f", {counts.settled / seconds:.0f} records/s" if seconds > 0 else ""
    lines = [
        ("Batch", f"{batch.id} ({state})"),
        ("Image", batch.job.image_name),
        ("Input", batch.job.source.path),
        ("Output", batch.job.output),
        ("Records", f"{batch.records}: {counts.results} results, {counts.rejected} rejected"
         + (f", {batch.records - counts.settled} to go" if state != "done" else "")),
        ("Shards", f"{done} of {batch.shards} done"),
        ("Time", f"{duration(seconds) if seconds >= 1 else f'{seconds:.2f} seconds'}{rate}"),
        ("Cost", f"{batch.cost.cpu_seconds:.1f} CPU seconds, {_memory(batch)} seconds of memory"),
    ]  # fmt: skip
    if batch.error:
        lines.append(("Error", batch.error))
    return "".join(f"{name + ':':<9} {value}\n" for name, value in lines)


def _memory(batch: Batch) -> str:
    used = batch.cost.memory_byte_seconds
    return f"{used / _GIB:.2f} GiB" if used > _GIB / 10 else f"{used / _MIB:.1f} MiB"


def troubled(shards: Sequence[Shard]) -> list[dict[str, str]]:
    """The rows of shards that failed, or have failed before and aren't done."""
    chosen = [each for each in shards if each.state != "done" and (each.error or each.tries)]
    return [shard_row(each) for each in chosen[:_OPEN_SHARDS]]


def shard_row(shard: Shard) -> dict[str, str]:
    """The fields of one shard."""
    return {
        "Number": str(shard.number),
        "State": shard.state,
        "Records": str(shard.last - shard.first),
        "Results": str(shard.counts.results),
        "Rejected": str(shard.counts.rejected),
        "Tries": str(shard.tries),
        "Error": shard.error,
    }

"""What a load showed, in figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from bench.load.model import Record


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All requests of a load together; latencies in milliseconds, of those that succeeded."""

    requests: int
    failed: int
    seconds: float
    """From the first one's being due to the last one's end."""
    rate: float
    """Answers a second that were right."""
    p50: float
    p95: float
    p99: float
    slowest: float
    kinds: dict[str, int]
    """Numbers by what came of them."""
    statuses: dict[int, int]
    """Of those that were answered."""
    shapes: dict[str, dict[str, int]]
    """Numbers by kind, for each shape."""
    versions: dict[str, int]
    """Right answers by who gave them."""


def summarise(records: Iterable[Record]) -> Summary:
    """The figures of these requests."""
    found = list(records)
    good = [record for record in found if record.kind == "ok"]
    latencies = sorted(record.seconds * 1000 for record in good)
    begin = min((record.at for record in found), default=0.0)
    seconds = max((record.end for record in found), default=0.0) - begin
    shapes: dict[str, Counter[str]] = {}
    for record in found:
        shapes.setdefault(record.name, Counter())[record.kind] += 1
    return Summary(
        requests=len(found), failed=len(found) - len(good), seconds=seconds,
        rate=len(good) / seconds if seconds else 0.0,
        p50=percentile(latencies, 50), p95=percentile(latencies, 95),
        p99=percentile(latencies, 99), slowest=latencies[-1] if latencies else 0.0,
        kinds=dict(Counter(record.kind for record in found)),
        statuses=dict(Counter(record.status for record in found if record.status)),
        shapes={name: dict(counts) for name, counts in sorted(shapes.items())},
        versions=dict(Counter(record.version for record in good)),
    )  # fmt: skip


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent don't exceed (nearest rank); 0 without values."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def render(summary: Summary) -> str:
    """For people: the last line says how many requests failed."""
    figures = {"p50": summary.p50, "p95": summary.p95, "p99": summary.p99}
    latency = ", ".join(f"{name} {value:.1f} ms" for name, value in figures.items())
    lines = [
        f"requests: {summary.requests} in {summary.seconds:.1f} s, {summary.rate:.1f} a second",
        f"latency:  {latency}, slowest {summary.slowest:.1f} ms",
    ]
    if any(summary.versions):
        lines.append(f"versions: {_counts(summary.versions)}")
    if summary.failed:
        lines.append(f"kinds:    {_counts(summary.kinds)}")
        lines += [f"  {name}: {_counts(kinds)}" for name, kinds in summary.shapes.items()]
    return "\n".join((*lines, f"failed: {summary.failed}"))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or '-'} {number}" for name, number in sorted(counts.items()))

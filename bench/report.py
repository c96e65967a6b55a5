"""Samples to a table in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.question import Figures, Question
from bench.tools import BenchmarkError, Tool

Samples = Mapping[str, Sequence[float]]
"""What each repetition gave, by the tool's name."""


def row(question: Question | Figures, samples: Samples, order: Sequence[str]) -> str:
    """One line: median (least to most) of each tool, and Dockyard's share of each peer."""
    shown = size if question.unit == "bytes" else duration
    cells = [question.title, *(_cell(samples.get(name, ()), shown) for name in order)]
    cells += [_ratio(samples, name) for name in order if name != "dockyard"]
    return _line(cells)


def heading(order: Sequence[str]) -> str:
    """The table's first two lines."""
    peers = [name for name in order if name != "dockyard"]
    cells = ["question", *order, *(f"of {name}" for name in peers)]
    return f"{_line(cells)}\n{_line(['---', *('---:' for _ in cells[1:])])}"


def machine(tools: Sequence[Tool]) -> str:
    """Where this ran, and with which versions."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    with open("/proc/meminfo", encoding="ascii") as stream:
        memory = int(stream.readline().split()[1]) / (1 << 20)
    lines = [
        f"{_processor()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, Linux {platform.release()}",
        f"load average at the start {load}",
        *(f"{tool.name}: {_version(tool)}" for tool in tools),
    ]
    return "\n".join(f"- {line}" for line in lines)


def duration(seconds: float) -> str:
    """Such as ``87 ms`` or ``3.21 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 2 else f"{seconds:.2f} s"


def size(count: float) -> str:
    """Bytes, such as ``312 MiB``."""
    return f"{count / (1 << 20):.0f} MiB"


def _cell(values: Sequence[float], shown: Callable[[float], str]) -> str:
    if not values:
        return "-"
    middle = shown(statistics.median(values))
    return (
        middle if len(values) == 1 else f"{middle} ({shown(min(values))} to {shown(max(values))})"
    )


def _ratio(samples: Samples, peer: str) -> str:
    ours, theirs = samples.get("dockyard"), samples.get(peer)
    if not ours or not theirs or not statistics.median(theirs):
        return "-"
    return f"{statistics.median(ours) / statistics.median(theirs):.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _version(tool: Tool) -> str:
    template = {"docker": "{{.Server.Version}}"}.get(tool.name, "{{.Client.Version}}")
    try:
        return tool.call("version", "--format", template).strip()
    except BenchmarkError:
        return "unknown"

"""Samples as the rows of ``stats``. Pure."""

from __future__ import annotations

import msgspec

from dockyard.cli.units import binary_size, decimal_size
from dockyard.containers.model import Container
from dockyard.observability.stats import Sample, cpu_percent

TITLES = {
    "ID": "CONTAINER ID", "Container": "CONTAINER", "Name": "NAME", "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
CUT_FIRST = ("ID", "Name")
"""What says least when it is cut: the other columns are quantities."""
_GONE = {"CPUPerc": "--", "MemUsage": "-- / --", "MemPerc": "--", "NetIO": "--", "BlockIO": "--",
         "PIDs": "--"}  # fmt: skip
_AT_REST = {"CPUPerc": "0.00%", "MemUsage": "0B / 0B", "MemPerc": "0.00%", "NetIO": "0B / 0B",
            "BlockIO": "0B / 0B", "PIDs": "0"}  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """A container whose use is shown."""

    container: Container
    called: str
    """As the user named it, or its whole id."""
    gone: bool = False
    """It was removed meanwhile."""


def row(
    target: Target, before: Sample | None, after: Sample | None, *, cut: bool = True
) -> dict[str, str]:
    """A container's fields.

    Args:
        before: an earlier sample, from which the use of processors is counted.
        after: the sample to show; ``None`` where the container doesn't run.
        cut: shorten the id as in a table.
    """
    container = target.container
    names = {
        "ID": container.short_id if cut else container.id,
        "Container": target.called,
        "Name": container.name,
    }
    if after is None:
        return names | (_GONE if target.gone else _AT_REST)
    processors = cpu_percent(before, after) if before is not None else 0.0
    memory = f"{binary_size(after.memory_bytes)} / {binary_size(after.memory_limit)}"
    return names | {
        "CPUPerc": f"{processors:.2f}%",
        "MemUsage": memory,
        "MemPerc": f"{after.memory_percent:.2f}%",
        "NetIO": f"{decimal_size(after.rx_bytes)} / {decimal_size(after.tx_bytes)}",
        "BlockIO": f"{decimal_size(after.read_bytes)} / {decimal_size(after.written_bytes)}",
        "PIDs": str(after.pids),
    }

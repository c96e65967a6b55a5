"""Samples as the rows of ``stats``. Pure."""

from __future__ import annotations

from dockyard.cli.units import binary_size, decimal_size
from dockyard.containers.model import Container
from dockyard.observability.stats import Sample, cpu_percent

TITLES = {
    "ID": "CONTAINER ID", "Container": "CONTAINER", "Name": "NAME", "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
_NOTHING = "--"


def row(
    container: Container, before: Sample | None, after: Sample | None, *, cut: bool = True
) -> dict[str, str]:
    """A container's fields.

    Args:
        before: an earlier sample, from which the use of processors is counted.
        after: the sample to show; ``None`` where the container doesn't run.
        cut: shorten the id as in a table.
    """
    names = {
        "ID": container.short_id if cut else container.id,
        "Container": container.id,
        "Name": container.name,
    }
    if after is None:
        pair = f"{_NOTHING} / {_NOTHING}"
        return names | {
            "CPUPerc": _NOTHING, "MemUsage": pair, "MemPerc": _NOTHING, "NetIO": _NOTHING,
            "BlockIO": _NOTHING, "PIDs": _NOTHING,
        }  # fmt: skip
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

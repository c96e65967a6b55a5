"""How much of the host a container uses: processors, memory, network, disk, processes.

A sample is read from the container's cgroup, on v1, v2 and hybrid hosts, and from the network
devices in its namespace. The counters mean what they mean in ``docker stats``. All parsers are
pure functions over the text of the kernel's files, in which an absent file reads as empty.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import msgspec

from dockyard.errors import NotFound
from dockyard.system import cgroups, host
from dockyard.system.cgroup_layout import CgroupLayout, read_file


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a container has used up to one moment.

    ``time_ns`` is on the monotonic clock; ``cpu_ns`` sums all processors. Bytes of network and
    disk count since the container's start.
    """

    time_ns: int
    cpu_ns: int
    memory_bytes: int
    """In use and not given back at once when others need it: without idle file cache."""
    memory_limit: int
    """The container's limit, or all memory of the host where it has none."""
    rx_bytes: int
    tx_bytes: int
    read_bytes: int
    written_bytes: int
    pids: int
    """Processes and threads."""

    @property
    def memory_percent(self) -> float:
        return 100 * self.memory_bytes / self.memory_limit if self.memory_limit else 0.0


def cpu_percent(before: Sample, after: Sample) -> float:
    """Use of processors between two samples, as ``docker stats`` counts it.

    100 is one whole processor, so a container on four may reach 400.
    """
    elapsed = after.time_ns - before.time_ns
    used = after.cpu_ns - before.cpu_ns
    return 100 * used / elapsed if elapsed > 0 and used > 0 else 0.0


def read_sample(layout: CgroupLayout, cgroup_path: str, pid: int | None) -> Sample:
    """Reads a running container's counters.

    Args:
        cgroup_path: as :func:`dockyard.system.cgroups.cgroup_path` gives it.
        pid: a process in the container's network namespace; ``None`` where that is the host's,
            whose traffic isn't the container's: its counters stay 0.

    Raises:
        NotFound: the cgroup doesn't exist (any more): the container does not run.
    """
    if not any(map(os.path.isdir, cgroups.directories(layout, cgroup_path))):
        raise NotFound(
            "container is not running",
            context=cgroup_path,
            hint="dockyard start starts it; dockyard ps -a shows its state",
            reference="no-cgroup",
        )
    read = _read_v2 if layout.mode == "v2" else _read_v1
    devices = read_file(f"/proc/{pid}/net/dev") if pid is not None else ""
    return read(layout, cgroup_path, parse_network(devices))


def parse_network(text: str) -> tuple[int, int]:
    """Bytes received and sent, from ``/proc/PID/net/dev``, over all devices but the loopback."""
    received = sent = 0
    for line in text.splitlines():
        name, colon, counters = line.partition(":")
        if not colon or name.strip() == "lo":
            continue
        fields = counters.split()
        received += int(fields[0])
        sent += int(fields[8])
    return received, sent


def parse_keys(text: str) -> dict[str, int]:
    """Lines of a name and a number: ``memory.stat``, ``cpu.stat``."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def parse_io_v2(text: str) -> tuple[int, int]:
    """Bytes read and written over all disks, from v2's ``io.stat``."""
    fields = [field.partition("=") for field in text.split()]
    return (
        sum(int(value) for name, _, value in fields if name == "rbytes"),
        sum(int(value) for name, _, value in fields if name == "wbytes"),
    )


def parse_io_v1(text: str) -> tuple[int, int]:
    """Bytes read and written over all disks, from v1's ``*.io_service_bytes_recursive``."""
    rows = [line.split() for line in text.splitlines()]
    return (
        sum(int(row[2]) for row in rows if len(row) == 3 and row[1] == "Read"),
        sum(int(row[2]) for row in rows if len(row) == 3 and row[1] == "Write"),
    )


def parse_limit(text: str, host_bytes: int) -> int:
    """The memory limit in bytes, at most the host's: v2 says ``max``, v1 a huge number."""
    word = text.strip()
    return min(int(word), host_bytes) if word.isdecimal() else host_bytes


def memory_in_use(usage: int, inactive_file: int) -> int:
    """Memory without the file cache that the kernel takes back first, as Docker counts it."""
    return usage - inactive_file if inactive_file < usage else usage


def _read_v2(layout: CgroupLayout, path: str, network: tuple[int, int]) -> Sample:
    top = cgroups.directory(layout, path, "")
    statistics = parse_keys(read_file(f"{top}/memory.stat"))
    io = parse_io_v2(read_file(f"{top}/io.stat"))
    return Sample(
        time_ns=time.monotonic_ns(),
        cpu_ns=parse_keys(read_file(f"{top}/cpu.stat")).get("usage_usec", 0) * 1000,
        memory_bytes=memory_in_use(
            _number(read_file(f"{top}/memory.current")), statistics.get("inactive_file", 0)
        ),
        memory_limit=parse_limit(read_file(f"{top}/memory.max"), host.memory_bytes()),
        rx_bytes=network[0],
        tx_bytes=network[1],
        read_bytes=io[0],
        written_bytes=io[1],
        pids=_number(read_file(f"{top}/pids.current")),
    )


def _read_v1(layout: CgroupLayout, path: str, network: tuple[int, int]) -> Sample:
    def read(controller: str, name: str) -> str:
        top = cgroups.directory(layout, path, controller)
        return read_file(f"{top}/{name}") if top else ""

    statistics = parse_keys(read("memory", "memory.stat"))
    io = _first_counted(
        parse_io_v1(read("blkio", f"blkio.{source}io_service_bytes_recursive"))
        for source in ("", "bfq.", "throttle.")
    )
    return Sample(
        time_ns=time.monotonic_ns(),
        cpu_ns=_number(read("cpuacct", "cpuacct.usage")),
        memory_bytes=memory_in_use(
            _number(read("memory", "memory.usage_in_bytes")),
            statistics.get("total_inactive_file", 0),
        ),
        memory_limit=parse_limit(read("memory", "memory.limit_in_bytes"), host.memory_bytes()),
        rx_bytes=network[0],
        tx_bytes=network[1],
        read_bytes=io[0],
        written_bytes=io[1],
        pids=_number(read("pids", "pids.current")),
    )


def _first_counted(sources: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Which file of v1 counts depends on the disk's scheduler; only ``throttle`` always does."""
    return next((counted for counted in sources if any(counted)), (0, 0))


def _number(text: str) -> int:
    word = text.strip()
    return int(word) if word.isdecimal() else 0

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from dockyard.errors import NotFound
from dockyard.observability import stats
from dockyard.observability.stats import Sample
from dockyard.system.cgroup_layout import CgroupLayout

MIB = 1 << 20

NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo:  904188     931    0    0    0     0          0         0   904188     931    0    0    0
  eth0: 1876      22    0    0    0     0          0         0      1176      16    0    0    0
  eth1:4294967296000  9    0    0    0     0          0         0      100      1    0    0    0
"""
IO_STAT = """\
254:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=0 dios=0
254:16 rbytes=100 wbytes=0 rios=1 wios=0 dbytes=77 dios=1
7:0
"""
IO_SERVICE_BYTES = """\
254:0 Read 8192
254:0 Write 4096
254:0 Sync 12288
254:0 Async 0
254:0 Discard 0
254:0 Total 12288
254:16 Read 100
254:16 Write 0
Total 12388
"""


def sample(time_ns: int = 0, cpu_ns: int = 0, memory: int = 0, limit: int = 0) -> Sample:
    return Sample(
        time_ns=time_ns,
        cpu_ns=cpu_ns,
        memory_bytes=memory,
        memory_limit=limit,
        rx_bytes=0,
        tx_bytes=0,
        read_bytes=0,
        written_bytes=0,
        pids=1,
    )


@pytest.mark.parametrize(
    ("seconds", "used", "percent"), [(1, 0.5, 50), (2, 1, 50), (1, 3, 300), (0, 1, 0), (1, 0, 0)]
)
def test_one_busy_processor_is_a_hundred_percent(
    seconds: float, used: float, percent: float
) -> None:
    after = sample(int(seconds * 1e9), int(used * 1e9))
    assert stats.cpu_percent(sample(), after) == pytest.approx(percent)


def test_a_restarted_container_has_not_used_less_than_nothing() -> None:
    assert stats.cpu_percent(sample(0, 5_000_000), sample(1_000_000_000, 10)) == 0


def test_memory_as_part_of_the_limit() -> None:
    assert sample(memory=MIB, limit=4 * MIB).memory_percent == pytest.approx(25)
    assert sample().memory_percent == 0


def test_network_counts_all_devices_but_the_loopback() -> None:
    assert stats.parse_network(NET_DEV) == (4294967296000 + 1876, 1276)
    assert stats.parse_network("") == (0, 0)


def test_disk_counts_all_disks() -> None:
    assert stats.parse_io_v2(IO_STAT) == (8292, 4096)
    assert stats.parse_io_v1(IO_SERVICE_BYTES) == (8292, 4096)
    assert stats.parse_io_v2("") == stats.parse_io_v1("") == (0, 0)


def test_no_limit_is_all_memory_of_the_host() -> None:
    for text in ("max\n", "9223372036854771712\n", ""):
        assert stats.parse_limit(text, 8 * MIB) == 8 * MIB
    assert stats.parse_limit(f"{MIB}\n", 8 * MIB) == MIB


def test_idle_file_cache_is_no_use_of_memory() -> None:
    assert stats.memory_in_use(10 * MIB, 4 * MIB) == 6 * MIB
    assert stats.memory_in_use(MIB, 2 * MIB) == MIB


def write(directory: str, files: dict[str, str]) -> None:
    os.makedirs(directory)
    for name, text in files.items():
        with open(f"{directory}/{name}", "w", encoding="ascii") as stream:
            stream.write(text)


EXPECTED = Sample(
    time_ns=0,
    cpu_ns=1_234_567_000,
    memory_bytes=3 * MIB,
    memory_limit=16 * MIB,
    rx_bytes=0,
    tx_bytes=0,
    read_bytes=8292,
    written_bytes=4096,
    pids=7,
)


def test_a_sample_of_v2(tmp_path: Path) -> None:
    write(
        f"{tmp_path}/dockyard-x/f00",
        {
            "cpu.stat": "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n",
            "memory.current": f"{5 * MIB}\n",
            "memory.stat": f"anon 100\ninactive_file {2 * MIB}\nactive_file 5\n",
            "memory.max": f"{16 * MIB}\n",
            "io.stat": IO_STAT,
            "pids.current": "7\n",
        },
    )
    layout = CgroupLayout(
        mode="v2",
        unified_mount=str(tmp_path),
        mounts={},
        controllers=frozenset(),
        systemd=False,
    )
    found = stats.read_sample(layout, "/dockyard-x/f00", None)
    assert found.time_ns > 0
    assert msgspec.structs.replace(found, time_ns=0) == EXPECTED


@pytest.mark.parametrize("mode", ["v1", "hybrid"])
@pytest.mark.parametrize("source", ["bfq.", "throttle."])
def test_a_sample_of_v1(tmp_path: Path, mode: str, source: str) -> None:
    files = {
        "cpuacct": {"cpuacct.usage": "1234567000\n"},
        "memory": {
            "memory.usage_in_bytes": f"{5 * MIB}\n",
            "memory.stat": f"inactive_file 1\ntotal_inactive_file {2 * MIB}\n",
            "memory.limit_in_bytes": f"{16 * MIB}\n",
        },
        "blkio": {
            "blkio.bfq.io_service_bytes_recursive": "Total 0\n",
            f"blkio.{source}io_service_bytes_recursive": IO_SERVICE_BYTES,
        },
        "pids": {"pids.current": "7\n"},
    }
    for controller, texts in files.items():
        write(f"{tmp_path}/{controller}/dockyard-x/f00", texts)
    layout = msgspec.convert(
        {
            "mode": mode,
            "unified_mount": None,
            "mounts": {controller: f"{tmp_path}/{controller}" for controller in files},
            "controllers": list(files),
            "systemd": False,
        },
        CgroupLayout,
    )
    found = stats.read_sample(layout, "/dockyard-x/f00", None)
    assert msgspec.structs.replace(found, time_ns=0) == EXPECTED


def test_controllers_that_the_host_lacks_count_nothing(tmp_path: Path) -> None:
    write(f"{tmp_path}/dockyard-x/f00", {})
    layout = CgroupLayout(
        mode="hybrid",
        unified_mount=str(tmp_path),
        mounts={},
        controllers=frozenset(),
        systemd=False,
    )
    found = stats.read_sample(layout, "/dockyard-x/f00", None)
    assert (found.cpu_ns, found.memory_bytes, found.pids) == (0, 0, 0)
    assert found.memory_limit > 0


def test_a_container_that_is_gone_is_not_running(tmp_path: Path) -> None:
    layout = CgroupLayout(
        mode="v2", unified_mount=str(tmp_path), mounts={}, controllers=frozenset(), systemd=False
    )
    with pytest.raises(NotFound, match="not running"):
        stats.read_sample(layout, "/dockyard-x/f00", None)

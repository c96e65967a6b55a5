"""Limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import notation, number, parsed, several, switch, text
from dockyard.containers.options import DEFAULT_SHM_BYTES, Resources

DECLARED = (
    number("--blkio-weight", help="Block IO (relative weight), between 10 and 1000, or 0 to"
           " disable (default 0)"),
    several("--blkio-weight-device", read=notation("parse_count_rate"),
            help="Block IO weight (relative device weight)"),
    text("--cgroup-parent", help="Optional parent cgroup for the container"),
    number("--cpu-period", help="Limit CPU CFS (Completely Fair Scheduler) period"),
    number("--cpu-quota", help="Limit CPU CFS (Completely Fair Scheduler) quota"),
    number("--cpu-rt-period", help="Limit CPU real-time period in microseconds"),
    number("--cpu-rt-runtime", help="Limit CPU real-time runtime in microseconds"),
    number("-c", "--cpu-shares", help="CPU shares (relative weight)"),
    parsed("--cpus", kind="decimal", read=notation("parse_cpus"), help="Number of CPUs"),
    text("--cpuset-cpus", help="CPUs in which to allow execution (0-3, 0,1)"),
    text("--cpuset-mems", help="MEMs in which to allow execution (0-3, 0,1)"),
    several("--device-read-bps", read=notation("parse_rate"),
            help="Limit read rate (bytes per second) from a device"),
    several("--device-read-iops", read=notation("parse_count_rate"),
            help="Limit read rate (IO per second) from a device"),
    several("--device-write-bps", read=notation("parse_rate"),
            help="Limit write rate (bytes per second) to a device"),
    several("--device-write-iops", read=notation("parse_count_rate"),
            help="Limit write rate (IO per second) to a device"),
    parsed("-m", "--memory", kind="bytes", read=notation("parse_size"), help="Memory limit"),
    parsed("--memory-reservation", kind="bytes", read=notation("parse_size"),
           help="Memory soft limit"),
    parsed("--memory-swap", kind="bytes", read=notation("parse_swap"),
           help="Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
    number("--memory-swappiness", help="Tune container memory swappiness (0 to 100) (default -1)"),
    switch("--oom-kill-disable", help="Disable OOM Killer"),
    number("--oom-score-adj", help="Tune host's OOM preferences (-1000 to 1000)"),
    number("--pids-limit", help="Tune container pids limit (set -1 for unlimited)"),
    parsed("--shm-size", kind="bytes", read=notation("parse_size"), help="Size of /dev/shm"),
    several("--ulimit", read=notation("parse_ulimit"), help="Ulimit options"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> Resources:
    """The limits asked for."""
    swappiness = values["memory_swappiness"]
    return Resources(
        memory=values["memory"] or None,
        memory_swap=values["memory_swap"] or None,
        memory_reservation=values["memory_reservation"] or None,
        memory_swappiness=None if swappiness == -1 else swappiness,
        oom_kill_disable=values["oom_kill_disable"],
        oom_score_adj=values["oom_score_adj"],
        cpus=values["cpus"],
        cpu_shares=values["cpu_shares"] or None,
        cpu_period=values["cpu_period"] or None,
        cpu_quota=values["cpu_quota"] or None,
        cpu_rt_period=values["cpu_rt_period"] or None,
        cpu_rt_runtime=values["cpu_rt_runtime"] or None,
        cpuset_cpus=values["cpuset_cpus"] or None,
        cpuset_mems=values["cpuset_mems"] or None,
        pids_limit=values["pids_limit"],
        shm_size=values["shm_size"] or DEFAULT_SHM_BYTES,
        ulimits=values["ulimit"],
        blkio_weight=values["blkio_weight"] or None,
        blkio_weight_device=values["blkio_weight_device"],
        device_read_bps=values["device_read_bps"],
        device_write_bps=values["device_write_bps"],
        device_read_iops=values["device_read_iops"],
        device_write_iops=values["device_write_iops"],
        cgroup_parent=values["cgroup_parent"] or None,
    )

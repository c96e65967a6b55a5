"""Limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard import arguments
from dockyard.cli.run_flags.declare import number, parsed, several
from dockyard.containers.options import DEFAULT_SHM_BYTES, Resources

DECLARED = (
    parsed("--cpus", kind="decimal", read=arguments.parse_cpus, help="Number of CPUs"),
    parsed("-m", "--memory", kind="bytes", read=arguments.parse_size, help="Memory limit"),
    number("--pids-limit", help="Tune container pids limit (set -1 for unlimited)"),
    parsed("--shm-size", kind="bytes", read=arguments.parse_size, help="Size of /dev/shm"),
    several("--ulimit", read=arguments.parse_ulimit, help="Ulimit options"),
)

NOT_YET: dict[str, str | None] = {
    "--blkio-weight-device=": None,
    "--blkio-weight=": None,
    "--cgroup-parent=": None,
    "--cpu-period=": None,
    "--cpu-quota=": None,
    "--cpu-rt-period=": None,
    "--cpu-rt-runtime=": None,
    "--cpuset-cpus=": None,
    "--cpuset-mems=": None,
    "--device-read-bps=": None,
    "--device-read-iops=": None,
    "--device-write-bps=": None,
    "--device-write-iops=": None,
    "--memory-reservation=": None,
    "--memory-swap=": None,
    "--memory-swappiness=": None,
    "--oom-kill-disable": None,
    "--oom-score-adj=": None,
    "-c, --cpu-shares=": None,
}


def make(values: Mapping[str, Any]) -> Resources:
    """The limits asked for."""
    return Resources(
        memory=values["memory"] or None,
        cpus=values["cpus"],
        pids_limit=values["pids_limit"],
        shm_size=values["shm_size"] or DEFAULT_SHM_BYTES,
        ulimits=values["ulimit"],
    )

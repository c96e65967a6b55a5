"""How many threads this container may keep busy.

`os.cpu_count()` is the machine's answer. A pool of that size inside a container limited to one
CPU spends its quota in a fraction of each period and then waits, throttled, for the next one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

THREADS_VARIABLE = "EMBEDDINGS_THREADS"
CGROUP = "/sys/fs/cgroup"


def thread_count(environ: Mapping[str, str], cgroup: str = CGROUP) -> int:
    """Threads for inference: the variable's value, else the CPUs allowed and within the quota.

    Raises:
        ValueError: the variable is not a positive whole number.
    """
    wanted = environ.get(THREADS_VARIABLE, "")
    if wanted:
        if not wanted.isdecimal() or int(wanted) < 1:
            raise ValueError(f"{THREADS_VARIABLE} must be a positive whole number, not {wanted!r}")
        return int(wanted)
    allowed = len(os.sched_getaffinity(0))
    quota = read_quota(cgroup)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def read_quota(cgroup: str = CGROUP) -> float | None:
    """CPUs granted by the cgroup mounted at `cgroup`, version 2 or 1, or None for no limit."""
    unified = _read(f"{cgroup}/cpu.max").split()
    if unified:
        return parse_quota(*unified)
    return parse_quota(
        _read(f"{cgroup}/cpu/cpu.cfs_quota_us"), _read(f"{cgroup}/cpu/cpu.cfs_period_us")
    )


def parse_quota(quota: str, period: str = "100000") -> float | None:
    """CPUs from a quota and its period in microseconds; "max", "-1" and nonsense are no limit."""
    try:
        quota_us, period_us = int(quota), int(period)
    except ValueError:
        return None
    return quota_us / period_us if quota_us > 0 and period_us > 0 else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""

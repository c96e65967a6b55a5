"""What of this host decides about a container's specification: values only."""

from __future__ import annotations

from typing import Literal

import msgspec


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that options are checked against."""

    hostname: str
    architecture: str
    kernel: tuple[int, int]
    cpus: int
    capability_bounds: int
    nofile_hard: int
    """The hard limit of open files; -1 is unlimited."""
    may_raise_limits: bool
    controllers: frozenset[str]
    has_swap: bool
    cgroup_mode: Literal["v1", "hybrid", "v2"] = "v2"
    systemd: bool = False
    """systemd is asked for cgroups."""
    knobs: frozenset[str] = frozenset()
    """Names of the files that cgroups have here, such as ``memory.swappiness``."""
    online_cpus: str = ""
    """A list such as ``0-3``; empty where unknown, as for ``memory_nodes``."""
    memory_nodes: str = ""
    real_time: tuple[int, int] = (0, 0)
    """Runtime and period in microseconds that the cgroup above the container's may give away."""
    apparmor_profiles: frozenset[str] | None = None
    """Those loaded; ``None`` where the host has no AppArmor."""
    selinux: bool = False

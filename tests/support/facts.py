"""An ordinary host, for tests of what options become."""

from __future__ import annotations

from dockyard.containers.facts import HostFacts

FACTS = HostFacts(
    hostname="host", architecture="amd64", kernel=(6, 1), cpus=4, capability_bounds=(1 << 41) - 1,
    nofile_hard=-1, may_raise_limits=True, has_swap=False,
    controllers=frozenset({"memory", "cpu", "pids", "cpuset", "io"}), cgroup_mode="v2",
    knobs=frozenset({"memory.swap.max", "memory.low", "io.weight"}),
    online_cpus="0-3", memory_nodes="0",
)  # fmt: skip

"""What the containers of a batch use, by the cgroup that they all are in.

The kernel counts the processor time of a cgroup with all that ever was below it, so nothing of a
container that lived for a moment is missed. Memory is looked at now and then, and summed over time.
"""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from dockyard.batch.model import Cost
from dockyard.containers import cgroup_parent
from dockyard.containers.options import Options
from dockyard.containers.parts import Parts
from dockyard.errors import NotFound
from dockyard.observability.stats import Sample, read_sample
from dockyard.system import cgroups
from dockyard.system.cgroup_layout import OWNER

_NANOSECONDS = 1e9
_SECONDS = 2.0


class Meter:
    """The cgroup of a batch. :meth:`look` often; not for several threads at a time."""

    def __init__(self, parts: Parts, batch_id: str, options: Options) -> None:
        self._parts = parts
        self._parent = _parent(parts, batch_id, options)
        self._last: Sample | None = None
        self._before = 0
        self._cpu_ns = 0
        self._memory = 0.0

    def within(self, options: Options) -> Options:
        """The options of a container that is to be counted."""
        resources = replace(options.resources, cgroup_parent=self._parent)
        return replace(options, resources=resources)

    @property
    def cost(self) -> Cost:
        """What was used so far, as of the last look."""
        return Cost(cpu_seconds=self._cpu_ns / _NANOSECONDS, memory_byte_seconds=self._memory)

    def look(self) -> None:
        """Reads the counters. A group that was made anew begins at zero again."""
        layout = self._parts.cgroup_layout
        try:
            sample = read_sample(layout, _group(layout, self._parent), None)
        except NotFound:
            self._last, self._before = None, 0
            return
        if sample.cpu_ns < self._before:
            self._before = 0
        self._cpu_ns += sample.cpu_ns - self._before
        self._before = sample.cpu_ns
        if self._last is not None:
            seconds = (sample.time_ns - self._last.time_ns) / _NANOSECONDS
            self._memory += seconds * (sample.memory_bytes + self._last.memory_bytes) / 2
        self._last = sample

    def close(self) -> None:
        """Removes the cgroup, when no container is in it any more."""
        layout = self._parts.cgroup_layout
        if not layout.systemd:  # which keeps its slices itself
            with contextlib.suppress(OSError):
                group = _group(layout, self._parent)
                cgroup_parent.remove(self._parts.paths, layout, group, _SECONDS)


def _parent(parts: Parts, batch_id: str, options: Options) -> str:
    """Below what the containers would be in otherwise."""
    own = options.resources.cgroup_parent
    above = own or f"{OWNER}-{parts.paths.root_hash}"
    if parts.cgroup_layout.systemd:
        return f"{above.removesuffix('.slice')}-batch{batch_id}.slice"
    return f"/{above.strip('/')}/batch-{batch_id}"


def _group(layout: cgroups.CgroupLayout, parent: str) -> str:
    if not layout.systemd:
        return parent
    names = parent.removesuffix(".slice").split("-")
    slices = ("-".join(names[: number + 1]) for number in range(len(names)))
    return "/" + "/".join(f"{name}.slice" for name in slices)

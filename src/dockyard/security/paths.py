"""Paths of a container's ``/proc`` and ``/sys`` that tell about, or change, the whole host.

They go into ``linux.maskedPaths`` and ``linux.readonlyPaths`` of the OCI runtime spec. A runtime
skips those that this kernel lacks.
"""

from __future__ import annotations

MASKED: tuple[str, ...] = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
"""Hidden: an empty file or directory lies over each of them."""

READONLY: tuple[str, ...] = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)
"""Readable, but never writable: what is written there changes the host.

``/sys/fs/cgroup`` must not be among them: on version 1 crun binds the tree a second time for it,
and the hierarchies in that copy are writable. So they alone are read-only there, and the tmpfs
above them, which is the container's own, is not.
"""

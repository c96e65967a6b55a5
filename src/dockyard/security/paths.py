"""Paths of a container's ``/proc`` and ``/sys`` that tell about, or change, the whole host.

They go into ``linux.maskedPaths`` and ``linux.readonlyPaths`` of the OCI runtime spec unless the
container is privileged or asks for ``--security-opt systempaths=unconfined``. A runtime skips
those that this kernel lacks.
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
    "/sys/fs/cgroup",
)
"""Readable, but never writable: what is written there changes the host.

The last one is a tmpfs on hosts with version 1 hierarchies, which some runtimes leave writable.
"""

"""Transient scopes of systemd: a cgroup of its own for a process that outlives its caller."""

from __future__ import annotations

from dockyard.system import process

_MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
_TIMEOUT_SECONDS = 10.0


def command(unit: str, slice_name: str, pid: int) -> list[str]:
    """The call of ``StartTransientUnit`` that puts ``pid`` into a scope. Pure."""
    return [
        "busctl", "call", *_MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", "3",
        "PIDs", "au", "1", str(pid), "Slice", "s", slice_name,
        "CollectMode", "s", "inactive-or-failed", "0",
    ]  # fmt: skip


def start(unit: str, slice_name: str, pid: int) -> None:
    """Moves a process into a scope, which goes with its last process.

    Raises:
        ComponentFailed: systemd refused.
    """
    process.run(command(unit, slice_name, pid), timeout=_TIMEOUT_SECONDS)

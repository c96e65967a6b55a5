"""Transient scopes of systemd: a cgroup of its own for a process that outlives its caller.

The slice that they are in comes with the first and stays, empty, as systemd's slices do. It can't
be a transient unit too: once systemd has been reloaded meanwhile, it could not be made again.
"""

from __future__ import annotations

import time

from dockyard.errors import ComponentFailed
from dockyard.system import process
from dockyard.system.cgroup_layout import read_file

_MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
_TIMEOUT_SECONDS = 10.0
_PAUSE = 0.0005
_LONGEST_PAUSE = 0.02


def command(unit: str, slice_name: str, pid: int, *, lasting: bool = False) -> list[str]:
    """The call of ``StartTransientUnit`` that puts ``pid`` into a scope. Pure.

    Args:
        lasting: see :func:`start`.
    """
    bound = ["DefaultDependencies", "b", "false"] if lasting else []
    return [
        "busctl", "call", *_MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail",
        "4" if lasting else "3",
        "PIDs", "au", "1", str(pid), "Slice", "s", slice_name,
        "CollectMode", "s", "inactive-or-failed", *bound, "0",
    ]  # fmt: skip


def start(unit: str, slice_name: str, pid: int, *, lasting: bool = False) -> None:
    """Moves a process into a scope, which goes with its last process.

    systemd answers before it has moved the process. What the process starts until then would stay
    behind and end with the caller, so this waits for the move.

    Args:
        lasting: it isn't ended with the services when the host is shut down, but by what it
            attends to, which ends then.

    Raises:
        ComponentFailed: systemd refused.
    """
    process.run(command(unit, slice_name, pid, lasting=lasting), timeout=_TIMEOUT_SECONDS)
    _await(unit, pid)


def is_shutdown(refusal: str) -> bool:
    """Whether systemd refused because the host, and with it the slice, is being ended. Pure."""
    return " is destructive" in refusal or "contradicts existing jobs" in refusal


def holds(unit: str, proc_cgroup: str) -> bool:
    """Whether a process is in a unit, by its ``/proc/PID/cgroup``. Pure."""
    return any(f"{line}/".find(f"/{unit}/") > 0 for line in proc_cgroup.splitlines())


def _await(unit: str, pid: int) -> None:
    deadline, pause = time.monotonic() + _TIMEOUT_SECONDS, _PAUSE
    while place := read_file(f"/proc/{pid}/cgroup"):  # nothing where the process has gone
        if holds(unit, place):
            return
        if time.monotonic() > deadline:
            raise ComponentFailed(
                f"systemd did not move process {pid} into {unit}",
                hint=f"systemctl status {unit} says why",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)

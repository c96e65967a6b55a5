"""Transient scopes of systemd: a cgroup of its own for a process that outlives its caller.

They are in a slice that goes with the last of them. See systemd's D-Bus interface
(org.freedesktop.systemd1) for the calls.
"""

from __future__ import annotations

import contextlib
import os
import time

from dockyard.errors import ComponentFailed, ComponentMissing
from dockyard.system import process
from dockyard.system.cgroup_layout import CgroupLayout, read_file, slice_directories

_MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
_TIMEOUT_SECONDS = 10.0
_PAUSE = 0.0005
_LONGEST_PAUSE = 0.02
_KNOWN = "already loaded"


def command(unit: str, slice_name: str, pid: int, *, fresh: bool = False) -> list[str]:
    """The call of ``StartTransientUnit`` that puts ``pid`` into a scope. Pure.

    Args:
        fresh: the slice doesn't exist yet, and is to go when nothing is in it any more.
    """
    slices = ["1", slice_name, "1", "StopWhenUnneeded", "b", "true"] if fresh else ["0"]
    return [
        "busctl", "call", *_MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", "3",
        "PIDs", "au", "1", str(pid), "Slice", "s", slice_name,
        "CollectMode", "s", "inactive-or-failed", *slices,
    ]  # fmt: skip


def start(layout: CgroupLayout, unit: str, slice_name: str, pid: int) -> None:
    """Moves a process into a scope, which goes with its last process.

    systemd answers before it has moved the process. What the process starts until then would stay
    behind and end with the caller, so this waits for the move.

    Raises:
        ComponentFailed: systemd refused.
    """
    if any(map(os.path.isdir, slice_directories(layout, slice_name))):
        process.run(command(unit, slice_name, pid), timeout=_TIMEOUT_SECONDS)
    else:
        _start_both(unit, slice_name, pid)
    _await(unit, pid)


def stop_empty_slice(layout: CgroupLayout, name: str) -> None:
    """Ends a slice that a runtime's scope had brought along, unless something is in it.

    The caller sees to it that nobody puts anything there meanwhile: it would be killed.
    """
    there = [each for each in slice_directories(layout, name) if os.path.isdir(each)]
    if not there or any(map(_has_children, there)):
        return
    call = ["busctl", "call", *_MANAGER, "StopUnit", "ss", name, "fail"]
    with contextlib.suppress(ComponentFailed, ComponentMissing):  # at worst an empty cgroup stays
        process.run(call, timeout=_TIMEOUT_SECONDS)


def holds(unit: str, proc_cgroup: str) -> bool:
    """Whether a process is in a unit, by its ``/proc/PID/cgroup``. Pure."""
    return any(f"{line}/".find(f"/{unit}/") > 0 for line in proc_cgroup.splitlines())


def _start_both(unit: str, slice_name: str, pid: int) -> None:
    try:
        process.run(command(unit, slice_name, pid, fresh=True), timeout=_TIMEOUT_SECONDS)
    except ComponentFailed as error:
        if _KNOWN not in error.message:
            raise
        process.run(command(unit, slice_name, pid), timeout=_TIMEOUT_SECONDS)


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


def _has_children(directory: str) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(entry.is_dir(follow_symlinks=False) for entry in entries)
    except FileNotFoundError:
        return False

"""Control groups: who is in one, killing them all, removing it, entering one.

Works on v1, v2 and hybrid hosts alike (:mod:`dockyard.system.cgroup_layout`, whose names are
offered here too). The OCI runtime makes a container's cgroup and sets its limits. The host's
mounts are never changed. The files are those of the kernel's cgroup-v1 and cgroup-v2 documents.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from dockyard.errors import NotSupported
from dockyard.system.cgroup_layout import (
    OWNER,
    CgroupLayout,
    binding_directories,
    cgroup_path,
    detect,
    directories,
    directory,
    missing_controllers,
    read_file,
    read_layout,
    relative_path,
    roots,
    stray_directories,
)

__all__ = [
    "CgroupLayout",
    "cgroup_path",
    "create_and_enter",
    "detect",
    "directories",
    "directory",
    "expect_moves",
    "is_frozen",
    "kill_all",
    "knobs",
    "leave",
    "missing_controllers",
    "pids",
    "read_layout",
    "remove",
    "remove_parent",
    "stray_directories",
]

_BATCH = 200
"""Processes signalled at a time: each takes a file descriptor."""
_UNUSED = {"memory": {"memory.low", "memory.swap.max"}, "io": {"io.weight"}}
"""What a controller of v2 has that tuning needs."""
_ATTEMPTS = 10
_PAUSE = 0.0005
"""Seconds between two looks at a cgroup."""


def pids(layout: CgroupLayout, path: str) -> tuple[int, ...]:
    """The processes in a cgroup and below it, in any hierarchy; none where it doesn't exist."""
    return tuple(sorted(_processes(directories(layout, path))))


def knobs(layout: CgroupLayout) -> frozenset[str]:
    """Names of the files that cgroups have on this host.

    Most are in every cgroup but the root, so those below it are looked at too. Where none there
    has a controller of v2 yet, it counts as complete.
    """
    found: set[str] = set()
    for root in roots(layout):
        for name in (root, *_children(root)):
            with contextlib.suppress(OSError):
                found.update(os.listdir(name))
    if layout.mode == "v2":
        for controller, names in _UNUSED.items():
            used = any(name.startswith(f"{controller}.") for name in found)
            found |= set() if used or controller not in layout.controllers else names
    return frozenset(name for name in found if "." in name)


def real_time_above(layout: CgroupLayout, path: str) -> tuple[int, int]:
    """Runtime and period of real-time scheduling of the cgroup above another, in microseconds.

    A new cgroup has no such time to give away: (0, 0) where the one above isn't there yet.
    """
    own = directory(layout, path, "cpu")
    above = "" if own is None else os.path.dirname(own)
    words = [read_file(f"{above}/cpu.rt_{name}_us").strip() for name in ("runtime", "period")]
    runtime, period = (int(word) if word.isdecimal() else 0 for word in words)
    return runtime, period


def _children(root: str) -> list[str]:
    with os.scandir(root) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def is_frozen(layout: CgroupLayout, path: str) -> bool:
    """True where the processes of a cgroup are frozen, or on the way to it.

    In a scope of systemd's, crun has them in a cgroup below it, and freezes only that.
    """
    if layout.mode == "v2":
        top = f"{layout.unified_mount}/{relative_path(path)}"
        return any(read_file(f"{one}/cgroup.freeze").strip() == "1" for one in _tree(top))
    freezer = directory(layout, path, "freezer")
    state = read_file(f"{freezer}/freezer.state").strip() if freezer else ""
    return state not in {"", "THAWED"}


def kill_all(layout: CgroupLayout, path: str, seconds: float = 10.0) -> bool:
    """Kills every process in a cgroup and below it, frozen ones too.

    Returns:
        True as soon as the cgroup is empty; False where it isn't after ``seconds``, as with a
        process that waits uninterruptibly.
    """
    found = directories(layout, path)
    freezer = directory(layout, path, "freezer") if layout.mode != "v2" else None
    deadline = time.monotonic() + seconds
    while alive := _processes(found):
        if not _kill_by_kernel(layout, path):
            _freeze(freezer, "FROZEN")  # so that nothing forks away; a frozen process dies thawed
            _kill(found, alive)
            _freeze(freezer, "THAWED")
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def remove(
    layout: CgroupLayout, path: str, seconds: float = 2.0, *, parent: bool = True
) -> tuple[str, ...]:
    """Removes an empty cgroup from every hierarchy.

    Safe to repeat, and beside others that remove the same one. A cgroup stays busy for a moment
    after its last process has died, so it is tried for up to ``seconds``.

    Args:
        parent: also remove our root's cgroup if this was the last one in it; a runtime that makes
            another container meanwhile may fail for it.

    Returns:
        The directories that are still there: none, unless processes are in them.
    """
    for stray in stray_directories(layout, path):
        _remove_plain(stray)
    left = directories(layout, path)
    deadline = time.monotonic() + seconds
    while left := tuple(found for found in left if not _remove_tree(found)):
        if time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE)
    if parent:
        remove_parent(layout, path)
    return ()


def create_and_enter(layout: CgroupLayout, path: str, pid: int) -> tuple[str, ...]:
    """Makes a cgroup where it isn't and moves a child into it, where it would be bound to ours.

    It is for a process of ours that must outlive its caller's cgroup, such as a container's
    monitor. Hierarchies that don't allow it, and those in whose root the caller is, are left out:
    nobody ends a root. Only for hosts without systemd, which would have to be asked for a scope.

    Returns:
        The directories that the process is in now.

    Raises:
        NotSupported: ``path`` is one of systemd's.
    """
    if ":" in path:
        raise NotSupported(f"cgroup {path} is made by systemd", hint="start a transient scope")
    wanted = binding_directories(layout, path, read_file("/proc/self/cgroup"))
    return tuple(found for found in wanted if _enter(found, pid))


def expect_moves(layout: CgroupLayout) -> None:
    """Has the kernel get ready for moving processes between cgroups.

    The first move in a while waits 6 to 20 ms until all processors have passed a quiet point
    (RCU), under a lock that later ones find ready for some 20 ms. This pays for that beforehand,
    by moving this process to where it is; call it in a thread, beside other work.
    """
    for line in read_file("/proc/self/cgroup").splitlines():
        _, names, place = line.split(":", 2)
        mount = layout.mounts.get(names.split(",")[0]) if names else layout.unified_mount
        if mount is not None and _write(f"{mount}{place}/cgroup.procs", "0"):
            return


def leave(layout: CgroupLayout, pid: int) -> None:
    """Moves a process to the root of every hierarchy, so that its cgroup can be removed."""
    for root in roots(layout):
        _write(f"{root}/cgroup.procs", str(pid))


def _write(path: str, text: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, text.encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _tree(top: str) -> Iterator[str]:
    """A directory and all below it, children first."""
    try:
        with os.scandir(top) as entries:
            children = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for child in children:
        yield from _tree(child)
    yield top


def _processes(tops: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for top in tops:
        for one in _tree(top):
            found.update(int(word) for word in read_file(f"{one}/cgroup.procs").split())
    return found - {0}  # 0 stands for a process of a foreign pid namespace


def _kill_by_kernel(layout: CgroupLayout, path: str) -> bool:
    """``cgroup.kill`` (Linux 5.14) kills a whole tree at once, whatever it forks."""
    if layout.mode != "v2":
        return False
    return _write(f"{layout.unified_mount}/{relative_path(path)}/cgroup.kill", "1")


def _kill(tops: Sequence[str], numbers: Collection[int]) -> None:
    """Signals processes that are still in the cgroup once their number can't be used again."""
    waiting = list(numbers)
    for start in range(0, len(waiting), _BATCH):
        with contextlib.ExitStack() as stack:
            handles = {}
            for pid in waiting[start : start + _BATCH]:
                with contextlib.suppress(ProcessLookupError):
                    handles[pid] = os.pidfd_open(pid)
                    stack.callback(os.close, handles[pid])
            for pid in _processes(tops) & handles.keys():
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handles[pid], signal.SIGKILL)


def _freeze(top: str | None, state: Literal["FROZEN", "THAWED"]) -> None:
    for one in _tree(top) if top else ():
        _write(f"{one}/freezer.state", state)


def _rmdir(path: str) -> bool:
    """True when the directory is gone, by whomever."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _remove_tree(top: str) -> bool:
    for one in _tree(top):
        _rmdir(one)
    return not os.path.isdir(top)


def _remove_plain(top: str) -> None:
    """Removes a directory of crun's that is no cgroup, with the ordinary files in it."""
    for one in list(_tree(top)):
        with contextlib.suppress(OSError):
            for name in os.listdir(one):
                with contextlib.suppress(OSError):
                    os.unlink(f"{one}/{name}")
        _rmdir(one)


def remove_parent(layout: CgroupLayout, path: str) -> None:
    """Removes what :func:`cgroup_path` puts a container in; systemd keeps its slices itself."""
    parent = os.path.dirname(f"/{relative_path(path)}")
    if ":" in path or not os.path.basename(parent).startswith(f"{OWNER}-"):
        return
    for found in (*directories(layout, parent), *stray_directories(layout, parent)):
        _rmdir(found)  # stays while it has another container


def _enter(path: str, pid: int) -> bool:
    for _ in range(_ATTEMPTS):
        try:
            os.makedirs(path, mode=0o755, exist_ok=True)
        except FileNotFoundError:
            continue  # its parent was removed with another container's
        except OSError:
            return False
        _inherit_cpuset(path)
        return _write(f"{path}/cgroup.procs", str(pid))
    return False


def _inherit_cpuset(path: str) -> None:
    """A new cpuset of v1 has no processors, and takes no process until it has."""
    if not os.path.exists(f"{path}/cpuset.memory_migrate"):
        return  # not of v1
    parent = os.path.dirname(path)
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read_file(f"{path}/{name}").strip():
            _inherit_cpuset(parent)
            _write(f"{path}/{name}", read_file(f"{parent}/{name}"))

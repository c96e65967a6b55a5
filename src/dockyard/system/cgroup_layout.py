"""Which control groups a host has, and where a container's are: v2, v1, or both (hybrid).

A container's cgroup is one path that exists in every hierarchy: one directory on v2, one for each
mounted controller on v1. Everything here but :func:`read_layout` is pure; what acts on cgroups is
in :mod:`dockyard.system.cgroups`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Literal

import msgspec

from dockyard.errors import InvalidInput, NotSupported
from dockyard.system.files import read_text

ROOT = "/sys/fs/cgroup"
"""Where all runtimes look for the hierarchies."""

OWNER = "dockyard"
"""First word of every cgroup that we make."""

_V2_INHERENT = frozenset({"cpuacct", "devices", "freezer"})
"""Controllers of v1 that cgroup2 offers without a controller of that name."""

_SUPER_BLOCK_OPTIONS = frozenset(
    {"rw", "ro", "none", "xattr", "noprefix", "clone_children", "cpuset_v2_mode"}
)
"""Options of a v1 mount that name no controller."""


class CgroupLayout(msgspec.Struct, frozen=True, kw_only=True):
    """The hierarchies of a host.

    ``mounts`` maps each mounted v1 controller, and named hierarchies such as ``name=systemd``, to
    its mount point; co-mounted controllers share one. ``unmounted`` are v1 controllers that the
    kernel keeps a hierarchy for though it is mounted nowhere.
    """

    mode: Literal["v1", "hybrid", "v2"]
    unified_mount: str | None
    mounts: dict[str, str]
    unmounted: frozenset[str] = frozenset()
    controllers: frozenset[str]
    """Those that a runtime can set limits with, in the words of the hierarchy that has them."""
    unified_controllers: frozenset[str] = frozenset()
    """Those of cgroup2. Runtimes use none of them in hybrid mode, and crun refuses to start."""
    systemd: bool
    """systemd runs this host, so it owns the tree and is asked for cgroups."""


def detect(
    mountinfo: str, proc_cgroups: str, v2_controllers: str, *, systemd: bool
) -> CgroupLayout:
    """The layout from the text of the kernel's files.

    Args:
        mountinfo: ``/proc/self/mountinfo``.
        proc_cgroups: ``/proc/cgroups``.
        v2_controllers: ``cgroup.controllers`` of cgroup2's root, or nothing.
        systemd: see :class:`CgroupLayout`.

    Raises:
        NotSupported: no hierarchy is mounted.
    """
    mounts, unified = _mounts(mountinfo)
    on_v2 = frozenset(v2_controllers.split()) if unified else frozenset[str]()
    if unified == ROOT:
        return CgroupLayout(
            mode="v2",
            unified_mount=unified,
            mounts={},
            controllers=on_v2,
            unified_controllers=on_v2,
            systemd=systemd,
        )
    if not mounts:
        raise NotSupported(
            "no cgroup hierarchy is mounted",
            context=ROOT,
            hint="mount cgroup2 there, as init systems do",
            reference="no-cgroups",
        )
    return CgroupLayout(
        mode="hybrid" if unified else "v1",
        unified_mount=unified,
        mounts=mounts,
        unmounted=_active(proc_cgroups) - mounts.keys(),
        controllers=frozenset(name for name in mounts if "=" not in name),
        unified_controllers=on_v2,
        systemd=systemd,
    )


def read_layout() -> CgroupLayout:
    """The layout of this host.

    Raises:
        NotSupported: no hierarchy is mounted.
    """
    mountinfo = read_file("/proc/self/mountinfo")
    unified = _mounts(mountinfo)[1]
    return detect(
        mountinfo,
        read_file("/proc/cgroups"),
        read_file(f"{unified}/cgroup.controllers") if unified else "",
        systemd=os.path.isdir("/run/systemd/system"),
    )


def cgroup_path(
    layout: CgroupLayout, root_hash: str, container_id: str, *, parent: str | None = None
) -> str:
    """The value of ``linux.cgroupsPath`` for a container.

    A path under the root for a runtime that makes cgroups itself, ``SLICE:PREFIX:NAME`` where
    systemd is asked for them (``--systemd-cgroup``).

    Args:
        parent: the cgroup (or slice) to be in, in place of our own.

    Raises:
        InvalidInput: the parent leaves the hierarchy, or isn't a slice where it has to be one.
    """
    if layout.systemd:
        if parent and (not parent.endswith(".slice") or "/" in parent):
            raise InvalidInput(
                'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"',
                context=f"--cgroup-parent {parent}",
                hint="such as --cgroup-parent batch.slice",
                exit_code=125,
            )
        return f"{parent or f'{OWNER}-{root_hash}.slice'}:{OWNER}:{container_id}"
    if parent:
        return f"/{relative_path(parent)}/{container_id}"
    return f"/{OWNER}-{root_hash}/{container_id}"


def directories(layout: CgroupLayout, path: str) -> tuple[str, ...]:
    """The directories that a cgroup has on this host, one in each hierarchy.

    Args:
        path: as :func:`cgroup_path` gives it, either form.

    Raises:
        InvalidInput: the path leaves the hierarchy.
    """
    relative = relative_path(path)
    return tuple(f"{root}/{relative}" for root in roots(layout))


def roots(layout: CgroupLayout) -> tuple[str, ...]:
    """The mount points of all hierarchies, each once."""
    unified = [layout.unified_mount] if layout.unified_mount else []
    return tuple(dict.fromkeys([*layout.mounts.values(), *unified]))


def binding_directories(layout: CgroupLayout, path: str, proc_self_cgroup: str) -> tuple[str, ...]:
    """Those of :func:`directories` in hierarchies where the caller isn't in the root; at least one.

    Args:
        proc_self_cgroup: ``/proc/self/cgroup`` of the caller.
    """
    bound = set()
    for line in proc_self_cgroup.splitlines():
        _, names, place = line.split(":", 2)
        if place != "/":
            mounts = [layout.mounts.get(name) for name in names.split(",")]
            bound |= {*mounts, layout.unified_mount if not names else None}
    found = directories(layout, path)
    wanted = tuple(each for each, root in zip(found, roots(layout), strict=True) if root in bound)
    return wanted or found[-1:]


def stray_directories(layout: CgroupLayout, path: str) -> tuple[str, ...]:
    """Where crun makes a plain directory for want of a hierarchy.

    It goes by ``/proc/self/cgroup``, which also lists v1 controllers that are mounted nowhere. The
    ``cgroup.procs`` in there is an ordinary file, whose numbers mean nothing.
    """
    relative = relative_path(path)
    return tuple(f"{ROOT}/{name}/{relative}" for name in sorted(layout.unmounted))


def directory(layout: CgroupLayout, path: str, controller: str) -> str | None:
    """The directory with the files of one controller (v1's name); ``None`` where it has none."""
    mount = layout.unified_mount if layout.mode == "v2" else layout.mounts.get(controller)
    return None if mount is None else f"{mount}/{relative_path(path)}"


def missing_controllers(layout: CgroupLayout, needed: Collection[str]) -> tuple[str, ...]:
    """Those controllers without which a limit can't be applied here.

    Args:
        needed: names of v1 or v2 (``blkio`` and ``io`` mean the same).
    """
    has = set(layout.controllers)
    if has & {"io", "blkio"}:
        has |= {"io", "blkio"}
    if layout.mode == "v2":
        has |= _V2_INHERENT
    return tuple(sorted(set(needed) - has))


def relative_path(path: str) -> str:
    """Where a cgroup lies below each mount point, without a leading slash.

    Args:
        path: as :func:`cgroup_path` gives it, either form.

    Raises:
        InvalidInput: the path leaves the hierarchy, or is its root.
    """
    parts = path.split(":")
    if len(parts) == 3:
        unit = f"{parts[1]}-{parts[2]}.scope" if parts[1] else f"{parts[2]}.scope"
        path = f"{_slice_path(parts[0])}/{unit}"
    names = [name for name in path.split("/") if name]
    if not names or any(name in (".", "..") for name in names):
        raise InvalidInput(
            f"not a cgroup below the root: {path}",
            context="--cgroup-parent",
            hint="such as --cgroup-parent /batch",
            reference="invalid-cgroup",
        )
    return "/".join(names)


def read_file(path: str) -> str:
    """The content of a file of the kernel; empty where it has gone, or isn't readable now."""
    return read_text(path, errors="surrogateescape")


def _mounts(mountinfo: str) -> tuple[dict[str, str], str | None]:
    """Mount points of v1's hierarchies by name, and that of cgroup2."""
    mounts: dict[str, str] = {}
    unified: str | None = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if not after.startswith("cgroup"):
            continue
        kind, _, options = after.split()
        point = before.split()[4]
        if not f"{point}/".startswith(f"{ROOT}/"):
            continue  # another container's view of the same hierarchies
        if kind == "cgroup2":
            unified = point
        else:
            mounts |= dict.fromkeys(_names(options), point)
    return mounts, unified


def _names(options: str) -> list[str]:
    """The controllers, or ``name=...``, of a v1 hierarchy from its super block's options."""
    return [
        option
        for option in options.split(",")
        if option not in _SUPER_BLOCK_OPTIONS and not option.startswith("release_agent")
    ]


def _active(proc_cgroups: str) -> frozenset[str]:
    """Controllers of ``/proc/cgroups`` that belong to a v1 hierarchy."""
    rows = (line.split() for line in proc_cgroups.splitlines() if not line.startswith("#"))
    return frozenset(row[0] for row in rows if len(row) == 4 and row[1] != "0")


def _slice_path(unit: str) -> str:
    """``a-b.slice`` lies in ``a.slice``; ``-.slice`` is the root (systemd.slice(5))."""
    words = unit.removesuffix(".slice").split("-")
    if not any(words):
        return ""
    return "/".join(f"{'-'.join(words[: count + 1])}.slice" for count in range(len(words)))

"""Judgements on a host: from facts, however they were come by, to what they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from dockyard.devices.gpus import HOW
from dockyard.devices.registry import Registry
from dockyard.networks.firewall import Chain
from dockyard.system.cgroup_layout import CgroupLayout

Status = Literal["ok", "warning", "problem"]

_MIN_KERNEL = (5, 6)
"""openat2, pidfd_open and the new mount API."""
_LAYERS_KERNEL = (6, 5)
"""``lowerdir+``: overlays of any number of layers."""
_MIN_SQLITE = (3, 37, 0)
_RUNC_MENDED = ((1, 2, 8), (1, 3, 3), (1, 4, 0))
"""The first of each series of runc that holds against CVE-2025-31133, -52565 and -52881."""
_RUNC_HOLE = "CVE-2025-31133"
_LIMITED = ("memory", "cpu", "pids")
_NEEDED_CAPABILITIES = {21: "CAP_SYS_ADMIN", 12: "CAP_NET_ADMIN", 0: "CAP_CHOWN", 6: "CAP_SETGID"}
_CAP_SYS_RESOURCE = 24
_LOW_DISK_BYTES = 5 * 10**9
_NO_UPPER = frozenset({"overlay", "nfs", "nfs4", "cifs", "vfat", "fuse", "9p", "aufs"})
"""Filesystems that overlayfs can't write to."""


class Check(msgspec.Struct, frozen=True):
    """One thing of the host, and what to do about it."""

    name: str
    status: Status
    detail: str
    hint: str | None = None


def check_privileges(user: int, capabilities: int) -> Check:
    """Root with the capabilities that containers are made with."""
    if user != 0:
        return Check(
            "privileges", "problem", f"running as user {user}", "run as root (sudo dockyard ...)"
        )
    lacking = [name for bit, name in _NEEDED_CAPABILITIES.items() if not capabilities >> bit & 1]
    if lacking:
        return Check(
            "privileges",
            "problem",
            f"root without {', '.join(lacking)}",
            "the environment around this shell takes them away: give them back",
        )
    return Check("privileges", "ok", "root")


def check_kernel(version: tuple[int, int], filesystems: str, modules: str) -> Check:
    """New enough, and with overlayfs.

    Args:
        filesystems: ``/proc/filesystems``.
        modules: ``modules.dep`` of this kernel, which loads what it is asked to mount.
    """
    text = ".".join(map(str, version))
    if version < _MIN_KERNEL:
        wanted = ".".join(map(str, _MIN_KERNEL))
        return Check("kernel", "problem", f"Linux {text}", f"Linux {wanted} or newer is needed")
    if "overlay" not in filesystems.split() and "/overlay.ko" not in modules:
        return Check(
            "kernel", "warning", f"Linux {text}, overlayfs is not loaded", "modprobe overlay"
        )
    if version < _LAYERS_KERNEL:
        return Check("kernel", "ok", f"Linux {text}, overlayfs by mount(2)")
    return Check("kernel", "ok", f"Linux {text}, overlayfs by the new mount API")


def check_sqlite(version: tuple[int, ...]) -> Check:
    """SQLite with the strict tables that the records are in."""
    text = ".".join(map(str, version))
    if version < _MIN_SQLITE:
        return Check("sqlite", "problem", f"SQLite {text}", "SQLite 3.37 or newer is needed")
    return Check("sqlite", "ok", f"SQLite {text}")


def check_gateway(version: str | None) -> Check:
    """Envoy, without which no service is served; all else goes without it."""
    if version is None:
        return Check(
            "gateway", "warning", "Envoy is not installed, so no service can be served",
            "pip install 'dockyard[serve]'",
        )  # fmt: skip
    return Check("gateway", "ok", f"Envoy {version} serves services (x-dockyard)")


def check_cgroups(layout: CgroupLayout, *, has_runc: bool) -> Check:
    """Hierarchies and controllers."""
    manager = "systemd" if layout.systemd else "the runtime"
    detail = f"{layout.mode}, managed by {manager}; {' '.join(sorted(layout.controllers))}"
    lacking = [name for name in _LIMITED if name not in layout.controllers]
    if lacking:
        return Check(
            "cgroups",
            "warning",
            detail,
            f"no limits for {', '.join(lacking)}: enable the controllers at boot",
        )
    if layout.mode == "hybrid" and layout.unified_controllers:
        words = f"{detail}; cgroup2 has {' '.join(sorted(layout.unified_controllers))} here"
        return Check(
            "cgroups",
            "ok" if has_runc else "problem",
            f"{words}, which crun refuses and runc takes",
            None if has_runc else "apt-get install runc",
        )
    return Check("cgroups", "ok", detail)


def check_runtime(path: str, version: str, changelog: str) -> Check:
    """The runtime that makes containers here; an old runc has holes.

    Args:
        version: as it names itself, such as ``1.1.5+ds1``.
        changelog: of its package, which names the holes that a distribution mended in an old one.
    """
    words = f"{path} makes containers here"
    if not path.endswith("/runc") or _RUNC_HOLE in changelog or _runc_is_mended(version):
        return Check("runtime", "ok", words)
    return Check(
        "runtime",
        "warning",
        f"{words}; runc {version} has {_RUNC_HOLE}, -52565 and -52881, by which a hostile image"
        " may get at the host",
        "take runc 1.2.8, 1.3.3, 1.4.0 or newer, or crun; until then run no images that you don't"
        " trust",
    )


def _runc_is_mended(version: str) -> bool:
    """Whether a version is one of :data:`_RUNC_MENDED` or later; one that can't be read isn't."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)(?:-rc\.(\d+))?", version)
    if found is None:
        return False
    number, candidate = tuple(map(int, found.groups()[:3])), found[4]
    if number == _RUNC_MENDED[-1] and candidate is not None:
        return int(candidate) >= 3
    series = [first for first in _RUNC_MENDED if first[:2] <= number[:2]]
    return bool(series) and number >= series[-1]


def check_firewall(blocking: Sequence[Chain], *, legacy_drops: bool) -> Check:
    """Other firewalls that drop what is forwarded."""
    places = [f"{chain.family} {chain.table} {chain.name}" for chain in blocking]
    places += ["iptables-legacy FORWARD"] if legacy_drops else []
    if not places:
        return Check("firewall", "ok", "no other firewall drops forwarded packets")
    return Check(
        "firewall",
        "warning",
        f"another firewall drops forwarded packets: {', '.join(places)}",
        "Dockyard adds rules there that accept its bridge, and removes them again",
    )


def check_devices(registry: Registry) -> Check:
    """The devices that vendors describe (CDI), which ``--gpus`` and ``--device`` give."""
    names = ", ".join(sorted(registry.devices))
    if registry.problems:
        first = registry.problems[0]
        return Check(
            "devices",
            "warning",
            f"{first.path}: {first.words}",
            "mend or remove that file; the vendor's tool writes it anew"
            + (f" (usable: {names})" if names else ""),
        )
    return Check("devices", "ok", names or f"none described by CDI; {HOW}")


def check_limits(capabilities: int, open_files: int) -> Check:
    """Whether resource limits can be raised.

    Args:
        open_files: the hard limit; -1 is unlimited.
    """
    if capabilities >> _CAP_SYS_RESOURCE & 1:
        return Check("limits", "ok", "--ulimit may raise every limit")
    return Check(
        "limits",
        "warning",
        "CAP_SYS_RESOURCE is missing: --ulimit can't go above the limits of this shell"
        f" (open files: {open_files})",
        "start the shell with higher limits",
    )


def check_seccomp(actions: str) -> Check:
    """System call filters.

    Args:
        actions: ``/proc/sys/kernel/seccomp/actions_avail``.
    """
    if "errno" in actions.split():
        return Check("seccomp", "ok", "system call filters are available")
    return Check(
        "seccomp",
        "problem",
        "the kernel has no system call filters",
        "run containers with --security-opt seccomp=unconfined, or use another kernel",
    )


def check_disk(free: int, kind: str, path: str) -> Check:
    """Room, and a filesystem that containers can write on.

    Args:
        free: bytes.
        kind: type of the filesystem below the root.
    """
    detail = f"{free / 10**9:.1f} GB free on {kind or 'an unknown filesystem'}"
    if kind in _NO_UPPER or kind.startswith("fuse."):
        return Check(
            "disk",
            "problem",
            f"{path} is on {kind}, on which overlayfs can't write",
            "set DOCKYARD_ROOT to a directory on ext4, xfs or btrfs",
        )
    if free < _LOW_DISK_BYTES:
        return Check("disk", "warning", detail, "dockyard builder prune and dockyard rmi free some")
    return Check("disk", "ok", detail)


def filesystem_of(path: str, mountinfo: str) -> str:
    """The type of the filesystem at a path, from ``/proc/self/mountinfo``. Pure."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        inside = point == "/" or f"{path}/".startswith(f"{point}/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind

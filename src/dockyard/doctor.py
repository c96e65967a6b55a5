"""What Dockyard stands on and what of this host gets in its way, for ``dockyard doctor``.

Each check reads a few facts and hands them to a pure function that judges them; a check never
raises, for an ailing host is what it is for.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Literal

import msgspec

from dockyard.config import Config
from dockyard.containers import runtime as runtimes
from dockyard.errors import DockyardError
from dockyard.networks import firewall, legacy
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system import host, process
from dockyard.system.cgroup_layout import CgroupLayout, read_layout
from dockyard.system.components import Component, Installed, missing, survey

Status = Literal["ok", "warning", "problem"]

_MIN_KERNEL = (5, 6)
"""openat2, pidfd_open and the new mount API."""
_LAYERS_KERNEL = (6, 5)
"""``lowerdir+``: overlays of any number of layers."""
_MIN_SQLITE = (3, 37, 0)
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


class Report(msgspec.Struct, frozen=True):
    """Components and host. ``healthy`` where nothing required is missing or broken."""

    components: tuple[Installed, ...]
    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        return not self.missing and all(check.status != "problem" for check in self.checks)

    @property
    def missing(self) -> tuple[Component, ...]:
        return missing(self.components)


def examine(config: Config) -> Report:
    """Looks at everything. Makes the directories of the root where they aren't there."""
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("privileges", lambda: check_privileges(os.geteuid(), host.capability_bounds())),
        ("kernel", lambda: check_kernel(host.kernel_version(), _read("/proc/filesystems"))),
        ("state", lambda: _check_state(config)),
        ("disk", lambda: _check_disk(config.root)),
        ("sqlite", lambda: check_sqlite(sqlite3.sqlite_version_info)),
        ("cgroups", lambda: check_cgroups(read_layout(), has_runc=bool(process.find("runc")))),
        ("runtime", lambda: _check_runtime(config)),
        ("firewall", _check_firewall),
        ("forwarding", _check_forwarding),
        ("limits", lambda: check_limits(host.capability_bounds(), _open_files_limit())),
        ("seccomp", lambda: check_seccomp(_read("/proc/sys/kernel/seccomp/actions_avail"))),
    )
    return Report(survey(), tuple(_guarded(name, check) for name, check in checks))


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


def check_kernel(version: tuple[int, int], filesystems: str) -> Check:
    """New enough, and with overlayfs.

    Args:
        filesystems: ``/proc/filesystems``.
    """
    text = ".".join(map(str, version))
    if version < _MIN_KERNEL:
        wanted = ".".join(map(str, _MIN_KERNEL))
        return Check("kernel", "problem", f"Linux {text}", f"Linux {wanted} or newer is needed")
    if "overlay" not in filesystems.split():
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


def check_firewall(blocking: Sequence[firewall.Chain], *, legacy_drops: bool) -> Check:
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


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except DockyardError as error:
        return Check(name, "problem", error.message, error.hint)
    except OSError as error:
        return Check(name, "warning", f"can't tell: {error}")


def _check_state(config: Config) -> Check:
    paths = Paths(config.root, config.run)
    paths.prepare()
    database = Database(paths.database)
    try:
        verdict = database.query("PRAGMA quick_check(1)")
    finally:
        database.close()
    if verdict != [("ok",)]:
        return Check(
            "state",
            "problem",
            f"{paths.database} is damaged: {verdict[0][0]}",
            "restore it from a backup, or move it aside",
        )
    return Check("state", "ok", f"{config.root} and {config.run} can be used")


def _check_disk(root: str) -> Check:
    path = os.path.realpath(root)
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    kind = filesystem_of(path, _read("/proc/self/mountinfo"))
    return check_disk(status.f_bavail * status.f_frsize, kind, path)


def _check_runtime(config: Config) -> Check:
    paths = Paths(config.root, config.run)
    paths.prepare()
    chosen = runtimes.choose(paths, config.runtime, systemd=read_layout().systemd)
    return Check("runtime", "ok", f"{chosen.path} makes containers here")


def _check_firewall() -> Check:
    listing = process.run(["nft", "-j", "list", "chains"]).stdout
    blocking = firewall.blocking(firewall.parse_chains(listing))
    rules = process.run(["iptables-legacy", "-S", "FORWARD"], check=False).text if (
        legacy.in_use() and process.find("iptables-legacy")) else ""  # fmt: skip
    return check_firewall(blocking, legacy_drops="-P FORWARD DROP" in rules)


def _check_forwarding() -> Check:
    path = "/proc/sys/net/ipv4/ip_forward"
    if _read(path).strip() == "1":
        return Check("forwarding", "ok", "the host forwards packets")
    if os.access(path, os.W_OK):
        return Check("forwarding", "ok", "off; Dockyard turns it on with the first container")
    return Check(
        "forwarding",
        "problem",
        "net.ipv4.ip_forward is off and can't be set from here",
        "sysctl -w net.ipv4.ip_forward=1 on the host, or run --network host",
    )


def _open_files_limit() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def install_command(lacking: Collection[Component]) -> str:
    """What installs components on Debian."""
    return f"apt-get install {' '.join(sorted({one.package for one in lacking}))}"

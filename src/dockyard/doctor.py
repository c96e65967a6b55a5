"""What Dockyard stands on and what of this host gets in its way, for ``dockyard doctor``.

Each check reads a few facts and has :mod:`dockyard.diagnosis` judge them. None raises, for an
ailing host is what they are for.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection

import msgspec

from dockyard.config import Config
from dockyard.containers import runtime as runtimes
from dockyard.devices.store import read as read_devices
from dockyard.diagnosis import (
    Check,
    check_cgroups,
    check_devices,
    check_disk,
    check_firewall,
    check_gateway,
    check_kernel,
    check_limits,
    check_privileges,
    check_runtime,
    check_seccomp,
    check_sqlite,
    filesystem_of,
)
from dockyard.errors import ComponentMissing, DockyardError
from dockyard.networks import firewall, legacy
from dockyard.serving.gateway import envoy
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system import host, process
from dockyard.system.cgroup_layout import read_layout
from dockyard.system.components import Component, Installed, missing, survey, version_of
from dockyard.system.files import read_text


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
        ("kernel", _check_kernel),
        ("state", lambda: _check_state(config)),
        ("disk", lambda: _check_disk(config.root)),
        ("sqlite", lambda: check_sqlite(sqlite3.sqlite_version_info)),
        ("cgroups", lambda: check_cgroups(read_layout(), has_runc=bool(process.find("runc")))),
        ("runtime", lambda: _check_runtime(config)),
        ("firewall", lambda: _check_firewall(os.geteuid())),
        ("forwarding", _check_forwarding),
        ("gateway", _check_gateway),
        ("devices", lambda: check_devices(read_devices(config.cdi_directories))),
        ("limits", lambda: check_limits(host.capability_bounds(), _open_files_limit())),
        ("seccomp", lambda: check_seccomp(read_text("/proc/sys/kernel/seccomp/actions_avail"))),
    )
    return Report(survey(), tuple(_guarded(name, check) for name, check in checks))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except DockyardError as error:
        return Check(name, "problem", error.message, error.hint)
    except OSError as error:
        return Check(name, "warning", f"can't tell: {error}")


def _check_kernel() -> Check:
    modules = read_text(f"/lib/modules/{os.uname().release}/modules.dep")
    return check_kernel(host.kernel_version(), read_text("/proc/filesystems"), modules)


def _check_gateway() -> Check:
    try:
        return check_gateway(envoy.version())
    except ComponentMissing:
        return check_gateway(None)


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
    kind = filesystem_of(path, read_text("/proc/self/mountinfo"))
    return check_disk(status.f_bavail * status.f_frsize, kind, path)


def _check_runtime(config: Config) -> Check:
    paths = Paths(config.root, config.run)
    paths.prepare()
    chosen = runtimes.choose(paths, config.runtime, systemd=read_layout().systemd)
    changelog = _changelog(chosen.name) if chosen.name == "runc" else ""
    return check_runtime(chosen.path, version_of(chosen.path), changelog)


def _changelog(package: str) -> str:
    """What Debian's package of that name says of its changes; empty where it isn't Debian's."""
    import gzip

    path = f"/usr/share/doc/{package}/changelog.Debian.gz"
    try:
        with gzip.open(path, "rt", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _check_firewall(user: int) -> Check:
    if user != 0:
        words = "only root may see the rules of this host"
        return Check("firewall", "warning", words, "run as root (sudo dockyard doctor)")
    listing = process.run(["nft", "-j", "list", "chains"]).stdout
    blocking = firewall.blocking(firewall.parse_chains(listing))
    rules = process.run(["iptables-legacy", "-S", "FORWARD"], check=False).text if (
        legacy.in_use() and process.find("iptables-legacy")) else ""  # fmt: skip
    return check_firewall(blocking, legacy_drops="-P FORWARD DROP" in rules)


def _check_forwarding() -> Check:
    path = "/proc/sys/net/ipv4/ip_forward"
    if read_text(path).strip() == "1":
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


def install_command(lacking: Collection[Component]) -> str:
    """What installs components on Debian."""
    return f"apt-get install {' '.join(sorted({one.package for one in lacking}))}"

"""Section 5 of the benchmark: how a container was started. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dockyard.audit.model import ANYWHERE, Finding, Level
from dockyard.containers.model import Container

_SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr",
              "/var/run")  # fmt: skip
_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
_STRONG = frozenset({
    "ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "BPF",
    "DAC_READ_SEARCH", "NET_ADMIN", "PERFMON", "MAC_ADMIN", "MAC_OVERRIDE", "SYSLOG",
})  # fmt: skip
_PRIVILEGED_PORTS = 1024
_MOST_RETRIES = 5


def findings(container: Container, *, has_apparmor: bool = False) -> list[Finding]:
    """What to mend in how a container runs; the worst first comes from the caller.

    Args:
        has_apparmor: the host can confine containers by AppArmor.
    """
    rules = (_security, _namespaces, _limits, _mounts, _ports, _life)
    found = [finding for rule in rules for finding in rule(container)]
    if has_apparmor and "apparmor=unconfined" in container.options.security.options:
        found.append(_finding(container, "5.2", "medium", "AppArmor is switched off",
                              "run it without --security-opt apparmor=unconfined"))  # fmt: skip
    return found


def _finding(
    container: Container, rule: str, level: Level, message: str, mend: str
) -> Finding:  # fmt: skip
    return Finding(rule=rule, level=level, kind="container", subject=container.name,
                   message=message, mend=mend)  # fmt: skip


def _security(container: Container) -> Iterator[Finding]:
    security = container.options.security
    if security.privileged:
        yield _finding(container, "5.5", "high", "it is privileged: it owns the host",
                       "give what it needs by --cap-add and --device instead")  # fmt: skip
    added = {name.upper().removeprefix("CAP_") for name in security.cap_add}
    if added:
        strong = sorted(added & _STRONG)
        yield _finding(container, "5.4", "high" if strong else "low",
                       f"capabilities were added: {', '.join(sorted(added))}",
                       "drop --cap-add for those it can do without")  # fmt: skip
    options = {option.replace(":", "=", 1) for option in security.options}
    if "seccomp=unconfined" in options:
        yield _finding(container, "5.22", "high", "seccomp is switched off",
                       "run it without --security-opt seccomp=unconfined")  # fmt: skip
    if "no-new-privileges=false" in options:
        yield _finding(container, "5.26", "medium", "its programs may gain privileges (setuid)",
                       "run it without --security-opt no-new-privileges=false")  # fmt: skip
    if "label=disable" in options:
        yield _finding(container, "5.3", "medium", "SELinux labels are switched off",
                       "run it without --security-opt label=disable")  # fmt: skip
    if "systempaths=unconfined" in options:
        yield _finding(container, "5.31", "high", "system paths below /proc are not masked",
                       "run it without --security-opt systempaths=unconfined")  # fmt: skip
    devices = container.options.devices
    given = [*(mapping.host for mapping in devices.mappings), *devices.cdi]
    if given:
        paths = ", ".join(given)
        yield _finding(container, "5.18", "medium", f"it has devices of the host: {paths}",
                       "drop --device for those it can do without")  # fmt: skip


def _namespaces(container: Container) -> Iterator[Finding]:
    namespaces = container.options.namespaces
    shared: tuple[tuple[str, Level, str | None, str], ...] = (
        ("5.16", "high", namespaces.pid, "--pid host"),
        ("5.17", "medium", namespaces.ipc, "--ipc host"),
        ("5.21", "medium", namespaces.uts, "--uts host"),
        ("5.25", "medium", namespaces.cgroup, "--cgroupns host"),
    )
    for rule, level, value, flag in shared:
        if value == "host":
            yield _finding(container, rule, level, f"it shares a namespace with the host ({flag})",
                           f"run it without {flag}")  # fmt: skip
    if container.options.networking.network == "host":
        yield _finding(container, "5.10", "medium", "it is in the host's network",
                       "publish its ports with -p instead of --network host")  # fmt: skip


def _limits(container: Container) -> Iterator[Finding]:
    resources = container.options.resources
    if not resources.memory:
        yield _finding(container, "5.11", "medium", "its memory is not limited",
                       f"dockyard update --memory 1g {container.name}")  # fmt: skip
    if not (resources.cpus or resources.cpu_quota or resources.cpu_shares or resources.cpuset_cpus):
        yield _finding(container, "5.12", "low", "its share of the processors is not limited",
                       f"dockyard update --cpus 2 {container.name}")  # fmt: skip
    if not resources.pids_limit or resources.pids_limit < 0:
        yield _finding(container, "5.29", "medium", "the number of its processes is not limited",
                       f"dockyard update --pids-limit 512 {container.name}")  # fmt: skip
    if resources.cgroup_parent:
        yield _finding(container, "5.25", "low", f"its cgroup is below {resources.cgroup_parent}",
                       "run it without --cgroup-parent unless limits are set there")  # fmt: skip


def _mounts(container: Container) -> Iterator[Finding]:
    if not container.options.read_only:
        yield _finding(container, "5.13", "low", "its root filesystem is writable",
                       "run it with --read-only, and --tmpfs where it writes")  # fmt: skip
    for mount in container.mounts or container.options.mounts:
        if mount.kind != "bind":
            continue
        source = os.path.normpath(mount.source or "")
        if os.path.basename(source) in _SOCKETS:
            yield _finding(container, "5.32", "high", f"it has the engine's socket {source}",
                           "whoever has it owns the host: run it without that mount")  # fmt: skip
        elif source in _SENSITIVE:
            level: Level = "medium" if mount.read_only else "high"
            kind = "" if mount.read_only else ", writable"
            yield _finding(container, "5.6", level, f"it has {source} of the host{kind}",
                           "mount only the directory that it needs, with :ro")  # fmt: skip
        if {"shared", "rshared"} & set(mount.options):
            yield _finding(container, "5.20", "medium", f"mounts in {mount.target} reach the host",
                           "use propagation rslave or rprivate")  # fmt: skip


def _ports(container: Container) -> Iterator[Finding]:
    for port in container.options.networking.ports:
        if port.host_ip in ANYWHERE:
            yield _finding(container, "5.14", "low",
                           f"port {port.container_port} is published on every address",
                           "publish it with -p 127.0.0.1:HOST:CONTAINER, or set"
                           " DOCKYARD_PUBLISH_ADDRESS")  # fmt: skip
        if 0 < port.host_port < _PRIVILEGED_PORTS:
            yield _finding(container, "5.8", "low",
                           f"the privileged port {port.host_port} leads to it",
                           "use a port from 1024 on unless it needs that one")  # fmt: skip


def _life(container: Container) -> Iterator[Finding]:
    restart = container.options.restart
    if restart.policy == "on-failure" and not 0 < restart.max_retries <= _MOST_RETRIES:
        yield _finding(container, "5.15", "low", "it is restarted without end after failures",
                       f"dockyard update --restart on-failure:5 {container.name}")  # fmt: skip
    if not container.has_healthcheck:
        yield _finding(container, "5.27", "low", "nothing checks its health",
                       "run it with --health-cmd, or build it with HEALTHCHECK")  # fmt: skip
    if any(os.path.basename(word) == "sshd" for word in container.args[:3]):
        yield _finding(container, "5.7", "medium", "it runs an SSH server",
                       "use dockyard exec instead")  # fmt: skip

"""The OCI runtime specification's ``config.json``: a pure function from a description to it.

Used for containers and for the RUN steps of a build, which differ only in the description.
"""

from __future__ import annotations

import msgspec

VERSION = "1.0.2"

Json = dict[str, object]

_NAMESPACES = ("pid", "ipc", "uts", "mount", "cgroup")
_CPU_PERIOD_US = 100_000
_RUN_OPTIONS = ("nosuid", "noexec", "nodev")


class Identity(msgspec.Struct, frozen=True):
    """Whom a process runs as, in numbers, and where its home is."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/root"


class Rlimit(msgspec.Struct, frozen=True):
    """A resource limit; ``name`` without ``RLIMIT_``, in lower case."""

    name: str
    soft: int
    hard: int


class SpecMount(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry of ``mounts``."""

    destination: str
    type: str
    source: str
    options: tuple[str, ...] = ()


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, as whom, and with which rights."""

    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str = "/"
    identity: Identity = Identity()
    capabilities: tuple[str, ...] = ()
    no_new_privileges: bool = True
    rlimits: tuple[Rlimit, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a container's cgroup: bytes, processors, processes."""

    memory: int | None = None
    memory_and_swap: int | None = None
    cpus: float | None = None
    pids: int | None = None


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """Everything around the process."""

    rootfs: str
    read_only: bool = False
    hostname: str
    network: str
    """A path of a network namespace, or ``host``."""
    mounts: tuple[SpecMount, ...] = ()
    shm_size: int = 64 << 20
    limits: Limits = Limits()
    cgroup: str
    seccomp: Json | None = None
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()


def runtime_spec(process: Process, sandbox: Sandbox) -> Json:
    """The whole ``config.json``."""
    linux: Json = {
        "namespaces": _namespaces(sandbox.network),
        "resources": _resources(sandbox.limits),
        "cgroupsPath": sandbox.cgroup,
        "maskedPaths": list(sandbox.masked_paths),
        "readonlyPaths": list(sandbox.readonly_paths),
    }
    if sandbox.network != "host":
        linux["sysctl"] = {
            "net.ipv4.ping_group_range": "0 2147483647",
            "net.ipv4.ip_unprivileged_port_start": "0",
        }
    if sandbox.seccomp is not None:
        linux["seccomp"] = sandbox.seccomp
    return {
        "ociVersion": VERSION,
        "process": process_spec(process),
        "root": {"path": sandbox.rootfs, "readonly": sandbox.read_only},
        "hostname": sandbox.hostname,
        "mounts": [_mount(entry) for entry in _all_mounts(sandbox)],
        "linux": linux,
    }


def process_spec(process: Process) -> Json:
    """The ``process`` object, which ``exec`` uses on its own.

    Inheritable and ambient capabilities stay empty: a process that changes its user keeps none.
    """
    capabilities = list(process.capabilities)
    held = capabilities if process.identity.uid == 0 else []
    return {
        "terminal": False,
        "user": {
            "uid": process.identity.uid,
            "gid": process.identity.gid,
            "additionalGids": list(process.identity.groups),
        },
        "args": list(process.args),
        "env": list(process.env),
        "cwd": process.cwd,
        "capabilities": {
            "bounding": capabilities,
            "effective": held,
            "permitted": held,
            "inheritable": [],
            "ambient": [],
        },
        "rlimits": [
            {"type": f"RLIMIT_{limit.name.upper()}", "soft": _rlimit(limit.soft),
             "hard": _rlimit(limit.hard)}
            for limit in process.rlimits
        ],
        "noNewPrivileges": process.no_new_privileges,
    }  # fmt: skip


def _rlimit(value: int) -> int:
    return value if value >= 0 else (1 << 64) - 1


def _namespaces(network: str) -> list[Json]:
    namespaces: list[Json] = [{"type": name} for name in _NAMESPACES]
    if network != "host":
        namespaces.append({"type": "network", "path": network})
    return namespaces


def _resources(limits: Limits) -> Json:
    resources: Json = {"devices": [{"allow": False, "access": "rwm"}]}
    if limits.memory is not None:
        memory: Json = {"limit": limits.memory}
        if limits.memory_and_swap is not None:
            memory["swap"] = limits.memory_and_swap
        resources["memory"] = memory
    if limits.cpus is not None:
        quota = max(1000, round(limits.cpus * _CPU_PERIOD_US))
        resources["cpu"] = {"quota": quota, "period": _CPU_PERIOD_US}
    if limits.pids is not None:
        resources["pids"] = {"limit": limits.pids}
    return resources


def _all_mounts(sandbox: Sandbox) -> list[SpecMount]:
    """The system's mounts, then the others by depth, a later one in place of an earlier."""
    chosen = {mount.destination: mount for mount in _system_mounts(sandbox.shm_size)}
    system = list(chosen)
    chosen |= {mount.destination: mount for mount in sandbox.mounts}
    others = [name for name in chosen if name not in system]
    others.sort(key=lambda name: name.rstrip("/").count("/"))
    return [chosen[name] for name in (*system, *others)]


def _system_mounts(shm_size: int) -> tuple[SpecMount, ...]:
    dev = ("nosuid", "strictatime", "mode=755", "size=65536k")
    pts = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
    shm = (*_RUN_OPTIONS, "mode=1777", f"size={shm_size}")
    return (
        SpecMount("/proc", "proc", "proc", _RUN_OPTIONS),
        SpecMount("/dev", "tmpfs", "tmpfs", dev),
        SpecMount("/dev/pts", "devpts", "devpts", pts),
        SpecMount("/sys", "sysfs", "sysfs", (*_RUN_OPTIONS, "ro")),
        SpecMount("/sys/fs/cgroup", "cgroup", "cgroup", (*_RUN_OPTIONS, "ro")),
        SpecMount("/dev/mqueue", "mqueue", "mqueue", _RUN_OPTIONS),
        SpecMount("/dev/shm", "tmpfs", "shm", shm),  # noqa: S108  # a path in the container
    )


def _mount(entry: SpecMount) -> Json:
    return {
        "destination": entry.destination,
        "type": entry.type,
        "source": entry.source,
        "options": list(entry.options),
    }

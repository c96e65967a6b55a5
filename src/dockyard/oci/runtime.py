"""The OCI runtime specification's ``config.json``: a pure function from a description to it.

Used for containers and for the RUN steps of a build, which differ only in the description.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import msgspec

from dockyard import decoding
from dockyard.errors import HostileInput, InvalidInput
from dockyard.oci.resources import Device, DeviceRule, Json, Limits, device_node, resources

__all__ = [
    "Device", "DeviceRule", "Hook", "Identity", "Json", "Limits", "Process", "Rlimit", "Sandbox",
    "SpecMount", "encode", "in_system_place", "plain", "process_spec",
    "runtime_spec",
]  # fmt: skip

VERSION = "1.0.2"
SHM = "/dev/shm"  # noqa: S108  # the path in a container
HOST = "host"
"""In place of a namespace's path: the host's own."""
SYSTEM_PLACES = ("/proc", "/dev", "/sys")
"""Where a container has the engine's mounts, not the image's files."""

_NAMESPACES = ("pid", "ipc", "uts", "mount", "cgroup")
_NETWORK_SYSCTLS = {
    "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv4.ip_unprivileged_port_start": "0",
}
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
    oom_score_adj: int | None = None
    apparmor: str = ""
    """Name of a loaded profile."""
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    """Rows and columns that its terminal begins with."""


class Hook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program of the host that the runtime calls at a stage such as ``createContainer``."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None
    """Seconds."""


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """Everything around the process."""

    rootfs: str
    read_only: bool = False
    hostname: str
    """Unused where the host's UTS namespace is."""
    network: str
    """A path of a network namespace, or ``host``."""
    namespaces: dict[str, str] = {}
    """Those of other types that aren't new ones, to a path or ``host``."""
    mounts: tuple[SpecMount, ...] = ()
    shm_size: int | None = 64 << 20
    """Bytes of ``/dev/shm``; ``None`` leaves it out."""
    limits: Limits = Limits()
    devices: tuple[Device, ...] = ()
    device_rules: tuple[DeviceRule, ...] = ()
    sysctls: dict[str, str] = {}
    hooks: dict[str, tuple[Hook, ...]] = {}
    """By stage."""
    cgroup: str
    seccomp: Json | None = None
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    writable_system: bool = False
    """``/sys`` can be written."""
    writable_cgroups: bool = False
    intel_rdt: Json | None = None
    root_propagation: str = ""
    """Whether mounts made in the container reach the host (``shared``) or come from it
    (``rslave``)."""


def runtime_spec(process: Process, sandbox: Sandbox) -> Json:
    """The whole ``config.json``."""
    linux: Json = {
        "namespaces": _namespaces(sandbox),
        "resources": resources(sandbox.limits, sandbox.device_rules),
        "cgroupsPath": sandbox.cgroup,
        "maskedPaths": list(sandbox.masked_paths),
        "readonlyPaths": list(sandbox.readonly_paths),
    }
    sysctls = (_NETWORK_SYSCTLS if sandbox.network != HOST else {}) | sandbox.sysctls
    if sysctls:
        linux["sysctl"] = sysctls
    if sandbox.devices:
        linux["devices"] = [device_node(device) for device in sandbox.devices]
    if sandbox.intel_rdt is not None:
        linux["intelRdt"] = sandbox.intel_rdt
    if sandbox.root_propagation:
        linux["rootfsPropagation"] = sandbox.root_propagation
    if sandbox.seccomp is not None:
        linux["seccomp"] = sandbox.seccomp
    document: Json = {
        "ociVersion": VERSION,
        "process": process_spec(process),
        "root": {"path": sandbox.rootfs, "readonly": sandbox.read_only},
        "mounts": [_mount(entry) for entry in _all_mounts(sandbox)],
        "linux": linux,
    }
    if sandbox.namespaces.get("uts") != HOST:
        document["hostname"] = sandbox.hostname
    if sandbox.hooks:
        document["hooks"] = {
            stage: [msgspec.to_builtins(hook) for hook in hooks]
            for stage, hooks in sandbox.hooks.items()
        }
    return document


def encode(document: object) -> bytes:
    """``config.json``, the ``process`` object, or what they will be made of, for a runtime.

    Raises:
        HostileInput: a text in it has a NUL, and would mean another one to a runtime in C.
        InvalidInput: a text isn't UTF-8.
    """
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"a command, a variable, a path or a name is not UTF-8: {error.object!a}",
            hint="runtimes and images have texts in UTF-8 alone; spell it so",
            exit_code=125,
        ) from error
    if decoding.has_nul(encoded):
        raise HostileInput(
            "a command, a variable, a path or a name has a NUL byte in it",
            hint="if you didn't give it, the image does: look at it with dockyard image inspect,"
            " and don't trust it",
            reference="nul-byte",
            exit_code=125,
        )
    return encoded


def process_spec(process: Process) -> Json:
    """The ``process`` object, which ``exec`` uses on its own.

    Inheritable and ambient capabilities stay empty: a process that changes its user keeps none.
    """
    capabilities = list(process.capabilities)
    held = capabilities if process.identity.uid == 0 else []
    optional: Json = {}
    if process.oom_score_adj is not None:
        optional["oomScoreAdj"] = process.oom_score_adj
    if process.apparmor:
        optional["apparmorProfile"] = process.apparmor
    size = process.console_size
    console: Json = {"consoleSize": {"height": size[0], "width": size[1]}} if size else {}
    return {
        "terminal": process.terminal,
        **console,
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
        **optional,
    }  # fmt: skip


def _rlimit(value: int) -> int:
    return value if value >= 0 else (1 << 64) - 1


def _namespaces(sandbox: Sandbox) -> list[Json]:
    places = {name: sandbox.namespaces.get(name, "") for name in _NAMESPACES}
    places["network"] = sandbox.network
    return [
        {"type": name, "path": place} if place else {"type": name}
        for name, place in places.items()
        if place != HOST
    ]


def _all_mounts(sandbox: Sandbox) -> list[SpecMount]:
    """The mounts in their order: by depth, and around the system's (:data:`SYSTEM_PLACES`).

    The runtime follows the links of an image, and what is mounted already. A mount outside the
    system's places comes before them: where a link leads it into one, the system's lies over it.
    So no image puts its own ``/dev`` or ``/proc`` in their place (CVE-2019-16884, CVE-2025-31133),
    whoever swaps a link meanwhile. A later one of the same destination takes an earlier's place.
    """
    chosen = {mount.destination: mount for mount in _system_mounts(sandbox)}
    system = list(chosen)
    for mount in sandbox.mounts:
        destination = plain(mount.destination)
        chosen[destination] = msgspec.structs.replace(mount, destination=destination)
    others = sorted((name for name in chosen if name not in system), key=lambda one: one.count("/"))
    before = [name for name in others if not in_system_place(name)]
    after = [name for name in others if in_system_place(name)]
    return [chosen[name] for name in (*before, *system, *after)]


def plain(path: str) -> str:
    """A mount's target as an absolute path without ``..`` and the like."""
    return "/" + posixpath.normpath(f"/{path}").lstrip("/")


def in_system_place(path: str) -> bool:
    """Whether a plain path is one of :data:`SYSTEM_PLACES`, or below it."""
    return f"/{path.split('/')[1]}" in SYSTEM_PLACES


def _system_mounts(sandbox: Sandbox) -> Sequence[SpecMount]:
    dev = ("nosuid", "strictatime", "mode=755", "size=65536k")
    pts = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
    shm = (*_RUN_OPTIONS, "mode=1777", f"size={sandbox.shm_size}")
    system = "rw" if sandbox.writable_system else "ro"
    cgroups = "rw" if sandbox.writable_cgroups else "ro"
    mounts = [
        SpecMount("/proc", "proc", "proc", _RUN_OPTIONS),
        SpecMount("/dev", "tmpfs", "tmpfs", dev),
        SpecMount("/dev/pts", "devpts", "devpts", pts),
        SpecMount("/sys", "sysfs", "sysfs", (*_RUN_OPTIONS, system)),
        SpecMount("/sys/fs/cgroup", "cgroup", "cgroup", (*_RUN_OPTIONS, cgroups)),
        SpecMount("/dev/mqueue", "mqueue", "mqueue", _RUN_OPTIONS),
        SpecMount(SHM, "tmpfs", "shm", shm),
    ]
    return mounts if sandbox.shm_size is not None else mounts[:-1]


def _mount(entry: SpecMount) -> Json:
    return {
        "destination": entry.destination,
        "type": entry.type,
        "source": entry.source,
        "options": list(entry.options),
    }

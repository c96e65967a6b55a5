"""Whose namespaces a container is in, and the kernel's settings in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dockyard.containers.options import Namespaces, Options
from dockyard.errors import InvalidInput
from dockyard.oci.runtime import HOST

_DONOR = "container:"
_MODES: dict[str, frozenset[str]] = {
    "pid": frozenset({"host"}),
    "ipc": frozenset({"host", "private", "shareable", "none"}),
    "uts": frozenset({"host"}),
    "user": frozenset({"host"}),
    "cgroup": frozenset({"host", "private"}),
}
_SHAREABLE_WITH_CONTAINERS = frozenset({"pid", "ipc"})
_HINTS = {
    "pid": "host or container:NAME",
    "ipc": "private, shareable, none, host or container:NAME",
    "uts": "host",
    "user": "host; every container has the host's user namespace",
    "cgroup": "host or private",
}
_IPC_SETTINGS = frozenset({
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
    "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
})  # fmt: skip


def check(options: Options) -> None:
    """Raises :class:`InvalidInput` for modes that don't exist or exclude other options."""
    namespaces = options.namespaces
    for kind, known in _MODES.items():
        mode = getattr(namespaces, kind)
        if mode is not None and mode not in known and not _is_donor(kind, mode):
            raise _invalid(f"invalid {kind.upper()} mode: {mode}", _HINTS[kind])
    if namespaces.uts == HOST:
        for name in ("hostname", "domainname"):
            if getattr(options, name):
                raise _invalid(
                    f"conflicting options: {name} and the UTS mode",
                    hint=f"leave --{name} or --uts host out: the host's names hold",
                )
    if options.init and namespaces.pid is not None:
        raise _invalid(
            "conflicting options: --init and the PID mode",
            "an init has to be the first process of its own PID namespace",
        )
    for name in namespaces.sysctls:
        _check_sysctl(name, options)


def check_sysctl_name(name: str) -> None:
    """Raises :class:`InvalidInput` for a setting that isn't a namespace's but the whole host's."""
    if name not in _IPC_SETTINGS and not name.startswith(("net.", "fs.mqueue.")):
        raise _invalid(
            f"sysctl '{name}' is not allowed",
            "it would change the host; net.*, fs.mqueue.* and IPC's kernel.* belong to a container",
        )


def donors(namespaces: Namespaces) -> dict[str, str]:
    """By type of namespace, the containers whose namespaces are joined."""
    return {
        kind: mode.removeprefix(_DONOR)
        for kind in sorted(_SHAREABLE_WITH_CONTAINERS)
        if (mode := getattr(namespaces, kind) or "").startswith(_DONOR)
    }


def donor_mode(container_id: str) -> str:
    """The mode that joins a container's namespace."""
    return f"{_DONOR}{container_id}"


def places(namespaces: Namespaces, joined: Mapping[str, str]) -> dict[str, str]:
    """For the runtime: the namespaces that aren't new ones, to ``host`` or a path.

    Args:
        joined: by type, a path of that of the container that :func:`donors` names.
    """
    found = {
        kind: HOST for kind in ("pid", "ipc", "uts", "cgroup") if getattr(namespaces, kind) == HOST
    }
    return found | dict(joined)


def sysctls(options: Options) -> dict[str, str]:
    """The settings, with the domain name, which has no other place in the specification."""
    domain = {"kernel.domainname": options.domainname} if options.domainname else {}
    return domain | options.namespaces.sysctls


def _is_donor(kind: str, mode: str) -> bool:
    return kind in _SHAREABLE_WITH_CONTAINERS and bool(mode.removeprefix(_DONOR)) and (
        mode.startswith(_DONOR)
    )  # fmt: skip


def _check_sysctl(name: str, options: Options) -> None:
    check_sysctl_name(name)
    if name.startswith("net."):
        if options.networking.network == HOST:
            raise _invalid(
                f'sysctl "{name}" not allowed in host network namespace',
                "set it on the host, or give the container a network of its own",
            )
    elif options.namespaces.ipc == HOST:
        raise _invalid(
            f'sysctl "{name}" is not allowed in the hosts ipc namespace',
            "set it on the host, or leave --ipc host out",
        )


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint, exit_code=125)

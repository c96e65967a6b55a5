"""Linux capabilities: what a container gets, from the defaults, ``--cap-add`` and ``--cap-drop``.

The result is meant for the bounding, permitted and effective sets of the OCI runtime spec; the
inheritable and ambient sets stay empty (CVE-2022-24769).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dockyard.errors import InvalidInput, PermissionMissing

ALL: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
"""Every capability of Linux; the index is its number in ``capability.h``."""

DEFAULT_RUN: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_SETFCAP",
)
"""What ``run`` grants: Podman's set, which is Docker's without MKNOD, NET_RAW and AUDIT_WRITE."""

DEFAULT_BUILD: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SYS_CHROOT",
    "CAP_MKNOD",
    "CAP_AUDIT_WRITE",
    "CAP_SETFCAP",
)
"""What a RUN step of a build gets: BuildKit's set."""

_EVERYTHING = "ALL"


def resolve(
    defaults: Collection[str],
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
    *,
    privileged: bool = False,
) -> tuple[str, ...]:
    """The capabilities that ``--cap-add`` and ``--cap-drop`` make of ``defaults``, as in Docker.

    Adding ``ALL`` starts from every capability, dropping ``ALL`` from none; elsewhere what is
    dropped leaves the defaults first and what is added joins afterwards, so a capability in both
    lists is granted. For ``privileged`` every capability is a default: Docker ignores both lists
    then, here nothing that is asked for is.

    Args:
        add: names in any case, with or without ``CAP_``, or ``ALL``.
        drop: the same.

    Returns:
        Names in the kernel's order, each once.

    Raises:
        InvalidInput: no such capability.
    """
    added = normalize(add, "--cap-add")
    dropped = normalize(drop, "--cap-drop")
    if _EVERYTHING in added:
        return _ordered(set(ALL) - dropped)
    if _EVERYTHING in dropped:
        return _ordered(added)
    return _ordered((set(ALL if privileged else defaults) - dropped) | added)


def normalize(names: Sequence[str], option: str) -> frozenset[str]:
    """Capability names as the kernel spells them; ``ALL`` stays as it is.

    Args:
        option: the option that they come from, for the error's context.

    Raises:
        InvalidInput: no such capability.
    """
    return frozenset(_normalize(name, option) for name in names)


def unavailable(capabilities: Collection[str], bounding: int) -> tuple[str, ...]:
    """Those capabilities that a process with the bounding set ``bounding`` can't grant.

    Args:
        bounding: the mask ``CapBnd`` of ``/proc/self/status``, bit n for capability n.
    """
    return tuple(
        name
        for number, name in enumerate(ALL)
        if name in capabilities and not bounding >> number & 1
    )


def grantable(capabilities: Collection[str], add: Sequence[str], bounding: int) -> tuple[str, ...]:
    """``capabilities`` without those that this host can't give.

    A runtime fails when asked for a capability outside its own bounding set. The defaults,
    ``ALL`` and ``--privileged`` mean "what there is", but one that was asked for by name is
    missed by name.

    Args:
        capabilities: what :func:`resolve` returned.
        add: the same ``--cap-add`` values that it got.
        bounding: see :func:`unavailable`.

    Raises:
        PermissionMissing: a capability in ``add`` isn't there to grant.
    """
    missing = unavailable(capabilities, bounding)
    refused = [name for name in missing if name in normalize(add, "--cap-add")]
    if refused:
        raise PermissionMissing(
            f"cannot grant {', '.join(refused)}: this process does not have it",
            context="--cap-add",
            hint="this host or the service that runs dockyard limits its capabilities "
            "(CapBnd in /proc/self/status); leave the option out or lift that limit",
            reference="capability-unavailable",
        )
    return _ordered(set(capabilities) - set(missing))


def _ordered(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in ALL if name in names)


def _normalize(name: str, option: str) -> str:
    wanted = name.strip().upper()
    if wanted == _EVERYTHING:
        return wanted
    full = wanted if wanted.startswith("CAP_") else f"CAP_{wanted}"
    if full not in ALL:
        raise InvalidInput(
            f'unknown capability: "{name}"',
            context=option,
            hint=_suggestion(full),
            reference="unknown-capability",
        )
    return full


def _suggestion(name: str) -> str:
    import difflib  # only for the error: importing it costs more than the whole module

    close = difflib.get_close_matches(name, ("CAP_ALL", *ALL), n=1)
    if not close:
        return "capabilities(7) lists all of them"
    return f"did you mean {close[0].removeprefix('CAP_')}?"

"""Which system calls a container may make, as ``linux.seccomp`` of the OCI runtime spec.

A profile is a list of rules, each of which may depend on the container's capabilities, the
processor and the kernel. This is the format of Docker's and Podman's profile files, and the
default profile (:mod:`dockyard.security.seccomp_rules`) is made of the same rules. The runtime
spec knows no such conditions, so they are decided here, once, when the container is made.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from dockyard import decoding
from dockyard.decoding import natural
from dockyard.errors import InvalidInput
from dockyard.security.profile import Condition, Profile, Rule

_HINT = "see the format of Docker's default profile, or use --security-opt seccomp=unconfined"

_FILTER_NAMES = {
    "386": "x86",
    "loong64": "loongarch64",
    "mips64le": "mipsel64",
    "mips64p32": "mips64n32",
    "mips64p32le": "mips3l64n32",
    "mipsle": "mipsel",
}
"""libseccomp's names of processors, which conditions use, where they differ from OCI's."""

_SECCOMP_ARCHITECTURES = {
    "386": "SCMP_ARCH_X86",
    "amd64": "SCMP_ARCH_X86_64",
    "arm": "SCMP_ARCH_ARM",
    "arm64": "SCMP_ARCH_AARCH64",
    "loong64": "SCMP_ARCH_LOONGARCH64",
    "mips64": "SCMP_ARCH_MIPS64",
    "mips64le": "SCMP_ARCH_MIPSEL64",
    "mips64p32": "SCMP_ARCH_MIPS64N32",
    "mips64p32le": "SCMP_ARCH_MIPSEL64N32",
    "mipsle": "SCMP_ARCH_MIPSEL",
    "ppc64": "SCMP_ARCH_PPC64",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "riscv64": "SCMP_ARCH_RISCV64",
    "s390": "SCMP_ARCH_S390",
    "s390x": "SCMP_ARCH_S390X",
}


_WITHOUT_SOCKET = frozenset({"386"})
"""Architectures whose C libraries open sockets by ``socketcall``."""


class Target(msgspec.Struct, frozen=True):
    """What the conditions of a profile are compared with.

    ``architecture`` is OCI's name (``amd64``), ``kernel`` major and minor.
    """

    capabilities: frozenset[str]
    architecture: str
    kernel: tuple[int, int]


def default_profile(
    capabilities: Collection[str],
    architecture: str,
    kernel: tuple[int, int],
    *,
    programs: str | None = None,
) -> dict[str, object]:
    """The profile of every container that names no other.

    Args:
        capabilities: the container's bounding set, ``CAP_...``.
        architecture: OCI's name of this host's processor, such as ``amd64``.
        kernel: major and minor version of the running kernel.
        programs: the architecture that the user, not the image, says the programs are for.

    Returns:
        The object for ``linux.seccomp``.
    """
    from dockyard.security.seccomp_rules import profile  # only where no other is asked for

    return _specify(
        profile(socketcall=programs in _WITHOUT_SOCKET),
        Target(frozenset(capabilities), architecture, kernel),
    )


def load_profile(
    text: str | bytes, capabilities: Collection[str], architecture: str, kernel: tuple[int, int]
) -> dict[str, object]:
    """A profile of the user's, for ``--security-opt seccomp=FILE``.

    Args:
        text: the file's content: JSON in the format of Docker, Podman or the runtime spec.
        capabilities: see :func:`default_profile`, as for the other arguments.

    Returns:
        The object for ``linux.seccomp``.

    Raises:
        InvalidInput: not such a profile.
    """
    try:
        profile = decoding.from_json(text, Profile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from error
    if profile.architectures and profile.arch_map:
        raise _invalid("it has both architectures and archMap")
    return _specify(profile, Target(frozenset(capabilities), architecture, kernel))


def _specify(profile: Profile, target: Target) -> dict[str, object]:
    fields = {
        "defaultAction": profile.default_action,
        "defaultErrnoRet": _errno(profile.default_errno_ret, profile.default_errno),
        "architectures": _architectures(profile, target) or None,
        "flags": profile.flags and list(profile.flags),
        "listenerPath": profile.listener_path,
        "listenerMetadata": profile.listener_metadata,
        "syscalls": [_rule(rule) for rule in profile.syscalls if _applies(rule, target)],
    }
    return {key: value for key, value in fields.items() if value is not None}


def _architectures(profile: Profile, target: Target) -> list[str]:
    native = _SECCOMP_ARCHITECTURES.get(target.architecture)
    for entry in profile.arch_map or ():
        if entry.architecture == native:
            return [entry.architecture, *(entry.sub_architectures or ())]
    return list(profile.architectures or ())


def _applies(rule: Rule, target: Target) -> bool:
    included = rule.includes is None or _holds(rule.includes, target)
    return included and not (rule.excludes is not None and _touches(rule.excludes, target))


def _holds(condition: Condition, target: Target) -> bool:
    """All that ``condition`` names is there."""
    return (
        target.capabilities.issuperset(condition.caps or ())
        and (not condition.arches or _filter_name(target) in condition.arches)
        and (not condition.min_kernel or target.kernel >= _version(condition.min_kernel))
    )


def _touches(condition: Condition, target: Target) -> bool:
    """Anything that ``condition`` names is there."""
    return (
        not target.capabilities.isdisjoint(condition.caps or ())
        or _filter_name(target) in (condition.arches or ())
        or (bool(condition.min_kernel) and target.kernel >= _version(condition.min_kernel or ""))
    )


def _filter_name(target: Target) -> str:
    return _FILTER_NAMES.get(target.architecture, target.architecture)


def _rule(rule: Rule) -> dict[str, object]:
    if rule.name and rule.names:
        raise _invalid(f"a rule has both name ({rule.name}) and names")
    names = [rule.name] if rule.name else list(rule.names)
    if not names:
        raise _invalid("a rule names no system call")
    specified: dict[str, object] = {"names": names, "action": rule.action}
    code = _errno(rule.errno_ret, rule.errno)
    if code is not None:
        specified["errnoRet"] = code
    if rule.args:
        specified["args"] = [msgspec.to_builtins(argument) for argument in rule.args]
    return specified


def _errno(code: int | None, name: str | None) -> int | None:
    """The error number; Podman's profiles also, or only, give its name."""
    if code is not None or not name:
        return code
    import errno  # only for such profiles

    value = getattr(errno, name, None)
    if not name.startswith("E") or not isinstance(value, int):
        raise _invalid(f"unknown errno: {name}")
    return value


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    first, second = natural(major), natural(minor)
    if first is None or second is None:
        raise _invalid(f"invalid kernel version: {text} (expected MAJOR.MINOR)")
    return first, second


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(
        f"invalid seccomp profile: {why}",
        context="--security-opt seccomp",
        hint=_HINT,
        reference="invalid-seccomp-profile",
    )

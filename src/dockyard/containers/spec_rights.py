"""Rights: capabilities, system calls, guarded paths, what ``--privileged`` lifts. Pure."""

from collections.abc import Sequence

import msgspec

from dockyard import decoding
from dockyard.containers.facts import HostFacts
from dockyard.containers.options import Security
from dockyard.errors import InvalidInput, NotSupported
from dockyard.security import capabilities
from dockyard.security import paths as guarded

_UNCONFINED = "unconfined"
_BUILTIN = "builtin"
_KNOWN = (
    "no-new-privileges[=BOOL], seccomp=unconfined|builtin|FILE, apparmor=PROFILE, label=disable,"
    " systempaths=unconfined, writable-cgroups[=BOOL]"
)
_BOOLEANS = {"": True, "true": True, "false": False}


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the entries of ``--security-opt`` say."""

    no_new_privileges: bool | None = None
    seccomp: str | None = None
    """``unconfined``, ``builtin`` or a file; the default profile where ``None``."""
    apparmor: str | None = None
    system_paths_unconfined: bool = False
    writable_cgroups: bool = False

    @property
    def seccomp_file(self) -> str | None:
        """The file with the user's own profile, if there is one."""
        return None if self.seccomp in {None, _UNCONFINED, _BUILTIN} else self.seccomp


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a container's processes may do."""

    capabilities: tuple[str, ...]
    no_new_privileges: bool
    seccomp: dict[str, object] | None
    apparmor: str = ""
    masked_paths: tuple[str, ...] = guarded.MASKED
    readonly_paths: tuple[str, ...] = guarded.READONLY
    writable_system: bool = False
    writable_cgroups: bool = False


def choices(entries: Sequence[str], facts: HostFacts) -> Choices:
    """Reads ``--security-opt``; later entries win.

    Raises:
        InvalidInput: an unknown option or value.
        NotSupported: one that this host can't give.
    """
    fields: dict[str, object] = {}
    for entry in entries:
        name, _, value = entry.partition("=" if "=" in entry else ":")
        if name in {"no-new-privileges", "writable-cgroups"} and value in _BOOLEANS:
            fields[name.replace("-", "_")] = _BOOLEANS[value]
        elif name == "seccomp" and value:
            fields["seccomp"] = value
        elif name == "apparmor" and value:
            fields["apparmor"] = _apparmor(value, facts)
        elif name == "label" and value:
            _check_label(value, facts)
        elif (name, value) == ("systempaths", _UNCONFINED):
            fields["system_paths_unconfined"] = True
        else:
            raise InvalidInput(
                f"invalid --security-opt: {entry}", hint=f"known are {_KNOWN}", exit_code=125
            )
    chosen = decoding.from_builtins(fields, Choices)
    if chosen.writable_cgroups and facts.cgroup_mode != "v2":
        raise NotSupported(
            "writable cgroups need a host with cgroup v2 alone",
            context=f"this host: {facts.cgroup_mode}",
            hint="on v1 a container could lift its own limits; leave writable-cgroups out",
            exit_code=125,
        )
    return chosen


def rights(
    security: Security, facts: HostFacts, profile: str, *, filtered: bool = True,
    programs: str | None = None,
) -> Rights:  # fmt: skip
    """All rights of a container's processes.

    A privileged container has no filter but one of the user's own, as in Docker.

    Args:
        profile: text of the file that ``--security-opt seccomp=FILE`` names, if it names one.
        filtered: work out the filter of system calls too, which takes longer than all the rest;
            the runtime gives a container's further processes the one of the first.
        programs: the architecture that ``--platform`` asks for, if it does.

    Raises:
        InvalidInput: an unknown option, capability or profile.
        NotSupported: an option that this host can't give.
        PermissionMissing: a capability asked for that this process can't grant.
    """
    chosen = choices(security.options, facts)
    free = security.privileged
    wanted = capabilities.resolve(
        capabilities.DEFAULT_RUN, security.cap_add, security.cap_drop, privileged=free
    )
    granted = capabilities.grantable(wanted, security.cap_add, facts.capability_bounds)
    no_new_privileges = chosen.no_new_privileges
    unfiltered = not filtered or chosen.seccomp == _UNCONFINED or (free and not profile)
    open_paths = free or chosen.system_paths_unconfined
    return Rights(
        capabilities=granted,
        no_new_privileges=not free if no_new_privileges is None else no_new_privileges,
        seccomp=None if unfiltered else _filter(granted, facts, profile, programs),
        apparmor=chosen.apparmor or "",
        masked_paths=() if open_paths else guarded.MASKED,
        readonly_paths=() if open_paths else guarded.READONLY,
        writable_system=free,
        writable_cgroups=free or chosen.writable_cgroups,
    )


def _filter(
    granted: Sequence[str], facts: HostFacts, profile: str, programs: str | None
) -> dict[str, object]:
    from dockyard.security import seccomp

    if not profile:
        return seccomp.default_profile(granted, facts.architecture, facts.kernel, programs=programs)
    return seccomp.load_profile(profile, granted, facts.architecture, facts.kernel)


def _apparmor(profile: str, facts: HostFacts) -> str:
    if facts.apparmor_profiles is None:
        if profile == _UNCONFINED:
            return ""
        raise NotSupported(
            f"the AppArmor profile {profile} can't be applied: this host has no AppArmor",
            hint="leave --security-opt apparmor= out",
            exit_code=125,
        )
    if profile not in {_UNCONFINED, *facts.apparmor_profiles}:
        raise InvalidInput(
            f"the AppArmor profile {profile} is not loaded",
            hint="load it first: apparmor_parser -r FILE; aa-status lists those loaded",
            exit_code=125,
        )
    return profile


def _check_label(value: str, facts: HostFacts) -> None:
    """SELinux: nothing is labelled so far, so only ``disable`` can be kept."""
    kind = value.replace("=", ":").partition(":")[0]
    if kind not in {"disable", "user", "role", "type", "level", "filetype", "nested"}:
        raise InvalidInput(
            f"bad SELinux option: {value}",
            hint="only label=disable has an effect here",
            exit_code=125,
        )
    if value == "disable":
        return
    why = (
        "Dockyard doesn't label the files of containers yet"
        if facts.selinux
        else "SELinux is not enabled on this host"
    )
    raise NotSupported(
        f"the SELinux label {value} can't be applied: {why}",
        hint="leave --security-opt label= out",
        exit_code=125,
    )

"""From what was asked for and what the image says to the OCI runtime's description. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

import msgspec

from dockyard.containers.model import Mount, Options, Ulimit
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import Limits, Rlimit, SpecMount
from dockyard.security import capabilities, seccomp

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_PATH = "/dev/init"
"""Where ``--init`` finds its program: on a tmpfs, so that no image keeps a trace of it."""

_MIN_MEMORY = 6 << 20
_MIN_CPUS = 0.01
_MAX_NOFILE = 1 << 20
_ULIMITS = frozenset({
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
    "rss", "rtprio", "rttime", "sigpending", "stack",
})  # fmt: skip


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of this host decides about a container."""

    hostname: str
    architecture: str
    kernel: tuple[int, int]
    cpus: int
    capability_bounds: int
    nofile_hard: int
    """The hard limit of open files; -1 is unlimited."""
    may_raise_limits: bool
    controllers: frozenset[str]
    has_swap: bool


class Rights(msgspec.Struct, frozen=True):
    """What a container's processes may do."""

    capabilities: tuple[str, ...]
    no_new_privileges: bool
    seccomp: dict[str, object] | None


def environment(
    image: Sequence[str], asked: Sequence[str], *, hostname: str, home: str
) -> tuple[str, ...]:
    """The process's environment: defaults, then the image's, then the user's; later ones win."""
    merged: dict[str, str] = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    for entry in (*image, *asked):
        name, _, value = entry.partition("=")
        merged[name] = value
    merged.setdefault("HOME", home)
    return tuple(f"{name}={value}" for name, value in merged.items())


def working_directory(options: Options, config: ExecutionConfig) -> str:
    """Where the process starts.

    Raises:
        InvalidInput: not an absolute path, or one below ``/proc`` that leads out of the container
            (CVE-2024-21626).
    """
    return check_directory(options.working_dir or config.working_dir or "/")


def check_directory(path: str) -> str:
    """The path, if a process may start there; see :func:`working_directory`."""
    if not path.startswith("/"):
        raise InvalidInput(
            f'the working directory "{path}" is invalid, it needs to be an absolute path',
            exit_code=125,
        )
    clean = os.path.normpath(path).lstrip("/")  # two slashes at the start survive normpath
    if f"{clean}/".startswith("proc/"):
        raise InvalidInput(
            f'the working directory "{path}" leads out of a container', exit_code=125
        )
    return path


def limits(options: Options, facts: HostFacts) -> Limits:
    """The cgroup's limits. A memory limit also bounds swap to as much again, as in Docker.

    Raises:
        InvalidInput: a value out of range.
        NotSupported: this host lacks the controller that would enforce a limit.
    """
    asked = options.resources
    if asked.memory is not None and asked.memory < _MIN_MEMORY:
        raise InvalidInput("minimum memory limit allowed is 6MB", exit_code=125)
    if asked.cpus is not None and not _MIN_CPUS <= asked.cpus <= facts.cpus:
        raise InvalidInput(
            f"range of CPUs is from {_MIN_CPUS} to {facts.cpus:.2f},"
            f" as there are only {facts.cpus} CPUs available",
            exit_code=125,
        )
    wanted = {"memory": asked.memory, "cpu": asked.cpus, "pids": asked.pids_limit}
    needed = [name for name, value in wanted.items() if value is not None]
    missing = [name for name in needed if name not in facts.controllers]
    if missing:
        raise NotSupported(
            f"this host has no {missing[0]} controller for cgroups, the limit can't be enforced",
            hint="leave the limit out, or enable the controller (dockyard doctor shows them)",
            reference="limit-not-enforceable",
            exit_code=125,
        )
    swap = asked.memory * 2 if asked.memory is not None and facts.has_swap else None
    pids = None if asked.pids_limit is None or asked.pids_limit <= 0 else asked.pids_limit
    return Limits(memory=asked.memory, memory_and_swap=swap, cpus=asked.cpus, pids=pids)


def rlimits(
    asked: Sequence[Ulimit], facts: HostFacts
) -> tuple[tuple[Rlimit, ...], tuple[str, ...]]:
    """The process's resource limits, and warnings about those that this host can't raise so far.

    Without ``--ulimit nofile`` a container gets the host's hard limit, whatever shell started it.

    Raises:
        InvalidInput: an unknown limit, or soft above hard.
    """
    ceiling = _MAX_NOFILE if facts.nofile_hard < 0 else min(facts.nofile_hard, _MAX_NOFILE)
    chosen = {"nofile": Rlimit("nofile", ceiling, ceiling)}
    warnings: list[str] = []
    for limit in asked:
        if limit.name not in _ULIMITS:
            raise InvalidInput(f"invalid ulimit type: {limit.name}", exit_code=125)
        if 0 <= limit.hard < limit.soft:
            raise InvalidInput(
                f"ulimit {limit.name}: soft limit {limit.soft} is above hard limit {limit.hard}",
                exit_code=125,
            )
        chosen[limit.name] = Rlimit(limit.name, limit.soft, limit.hard)
    nofile = chosen["nofile"]
    if not facts.may_raise_limits and 0 <= facts.nofile_hard < nofile.hard:
        chosen["nofile"] = Rlimit("nofile", min(nofile.soft, facts.nofile_hard), facts.nofile_hard)
        warnings.append(
            f"this host allows at most {facts.nofile_hard} open files; --ulimit nofile is lowered"
        )
    return tuple(chosen.values()), tuple(warnings)


def rights(options: Options, facts: HostFacts, profile: str) -> Rights:
    """Capabilities, no_new_privileges and the seccomp filter.

    Args:
        profile: text of the file that ``--security-opt seccomp=FILE`` names, if it names one.

    Raises:
        InvalidInput: an unknown option, capability or profile.
        PermissionMissing: a capability asked for that this process can't grant.
    """
    asked = options.security
    wanted = capabilities.resolve(capabilities.DEFAULT_RUN, asked.cap_add, asked.cap_drop)
    granted = capabilities.grantable(wanted, asked.cap_add, facts.capability_bounds)
    no_new_privileges, unconfined = True, False
    for entry in asked.options:
        name, _, value = entry.replace(":", "=", 1).partition("=")
        if name == "no-new-privileges" and value in {"", "true", "false"}:
            no_new_privileges = value != "false"
        elif name == "seccomp" and value:
            unconfined = value == "unconfined"
        else:
            raise InvalidInput(
                f"invalid --security-opt: {entry}",
                hint="known are no-new-privileges[=true|false] and seccomp=unconfined|FILE",
                exit_code=125,
            )
    chosen = None if unconfined else _filter(granted, facts, profile)
    return Rights(granted, no_new_privileges, chosen)


def seccomp_file(options: Options) -> str | None:
    """The file that ``--security-opt seccomp=`` names, if it names one."""
    for entry in options.security.options:
        name, _, value = entry.replace(":", "=", 1).partition("=")
        if name == "seccomp" and value not in {"", "unconfined"}:
            return value
    return None


def _filter(granted: Sequence[str], facts: HostFacts, profile: str) -> dict[str, object]:
    if not profile:
        return seccomp.default_profile(granted, facts.architecture, facts.kernel)
    return seccomp.load_profile(profile, granted, facts.architecture, facts.kernel)


def arguments(args: tuple[str, ...], *, init: bool) -> tuple[str, ...]:
    """The command line, below the init process where one is wanted.

    Raises:
        InvalidInput: neither the user nor the image says what to run.
    """
    if not args or not args[0]:
        raise InvalidInput(
            "no command specified",
            hint="the image has neither ENTRYPOINT nor CMD: give a command after the image",
            reference="no-command",
            exit_code=125,
        )
    return (INIT_PATH, "--", *args) if init else args


def spec_mount(mount: Mount, source: str) -> SpecMount:
    """One of the user's mounts; ``source`` is its absolute path on the host."""
    access = "ro" if mount.read_only else "rw"
    if mount.kind != "tmpfs":
        options = mount.options or ("rbind", "rprivate")
        if mount.read_only and "rbind" in options:
            access = "rro"  # with what is mounted below the source
        return SpecMount(mount.target, "bind", source, (*options, access))
    options = mount.options or ("nosuid", "nodev", "noexec")
    if mount.size is not None:
        options = (*options, f"size={mount.size}")
    mode = 0o1777 if mount.mode is None else mount.mode
    return SpecMount(mount.target, "tmpfs", "tmpfs", (*options, f"mode={mode:o}", access))


def check_targets(mounts: Sequence[Mount]) -> None:
    """Raises :class:`InvalidInput` for a mount in place of what makes a container one.

    An image can ask for such a mount too (VOLUME); a ``/proc`` of its own making would show what
    is masked, or fake what the engine trusts (CVE-2019-16884).
    """
    for mount in mounts:
        path = os.path.normpath(mount.target).lstrip("/")
        if path in {"", "dev", "sys", "proc"} or path.startswith("proc/"):
            raise InvalidInput(
                f"cannot mount on /{path}: the container needs its own",
                hint="choose another target; if the image's VOLUME names it, mend the image",
                reference="forbidden-mount",
                exit_code=125,
            )


def file_mount(source: str, target: str, *, read_only: bool = False) -> SpecMount:
    """A bind mount of one of the engine's own files, such as ``/etc/resolv.conf``."""
    return SpecMount(target, "bind", source, ("bind", "rprivate", "ro" if read_only else "rw"))


def image_volumes(config: ExecutionConfig, asked: Sequence[Mount]) -> tuple[Mount, ...]:
    """Anonymous volumes for the image's ``VOLUME`` paths that the user didn't mount otherwise."""
    taken = {mount.target.rstrip("/") for mount in asked}
    return tuple(
        Mount(kind="volume", target=target)
        for target in sorted(config.volumes)
        if target.rstrip("/") not in taken
    )

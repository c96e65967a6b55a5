"""From what was asked for and what the image says to the OCI runtime's description. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from dockyard.containers.facts import HostFacts
from dockyard.containers.model import Mount, Options, Ulimit
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import Rlimit, SpecMount

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_PATH = "/dev/init"
"""Where ``--init`` finds its program: on a tmpfs, so that no image keeps a trace of it."""

_MAX_NOFILE = 1 << 20
_RECURSIVE_READ_ONLY_SINCE = (5, 12)
_ULIMITS = frozenset({
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
    "rss", "rtprio", "rttime", "sigpending", "stack",
})  # fmt: skip


def variables(image: Sequence[str], asked: Sequence[str]) -> dict[str, str]:
    """The variables of image and user by name; later ones win, and a name alone takes one away."""
    found: dict[str, str] = {}
    for name, equals, value in (one.partition("=") for one in (*image, *asked)):
        if equals:
            found[name] = value
        else:
            found.pop(name, None)
    return found


def environment(
    image: Sequence[str], asked: Sequence[str], *, hostname: str, home: str, tty: bool = False
) -> tuple[str, ...]:
    """The process's environment: defaults, then the image's, then the user's; later ones win."""
    merged: dict[str, str] = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    if tty:
        merged["TERM"] = "xterm"
    merged |= variables(image, asked)
    merged.setdefault("HOME", home)
    return tuple(f"{name}={value}" for name, value in merged.items())


def hostname(options: Options, facts: HostFacts, container_id: str) -> str:
    """The container's name for itself: the host's where it shares the namespace for it."""
    shared = "host" in {options.networking.network, options.namespaces.uts}
    return options.hostname or (facts.hostname if shared else container_id)


def full_name(options: Options, name: str) -> str:
    """What ``/etc/hosts`` calls the container: with its domain first, where it has one."""
    return f"{name}.{options.domainname} {name}" if options.domainname else name


def extra_hosts(options: Options, gateway: str) -> str:
    """The lines that ``--add-host`` adds to ``/etc/hosts``.

    Args:
        gateway: the address of the host in the container's network; empty where it has none.

    Raises:
        InvalidInput: ``host-gateway`` in a container without a network.
    """
    lines = []
    for entry in options.networking.extra_hosts:
        name, _, address = entry.partition(":")
        if address == "host-gateway":
            address = "127.0.0.1" if options.networking.network == "host" else gateway
        if not address:
            raise InvalidInput(
                f"host-gateway has no meaning for {name}: the container has no network",
                hint="leave the --add-host out, or give the container a network",
                exit_code=125,
            )
        lines.append(f"{address}\t{name}\n")
    return "".join(lines)


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
            hint=f"such as -w /{path}",
            exit_code=125,
        )
    clean = os.path.normpath(path).lstrip("/")  # two slashes at the start survive normpath
    if f"{clean}/".startswith("proc/"):
        raise InvalidInput(
            f'the working directory "{path}" leads out of a container',
            hint="-w names a directory of the container, outside /proc",
            exit_code=125,
        )
    return path


def oom_score(asked: int | None, facts: HostFacts) -> int | None:
    """The process's score for the OOM killer: 0 where none is asked for, as in Docker.

    Otherwise it would be that of the engine's process, which as a service is spared; where this
    host doesn't let us lower it, it is.
    """
    return 0 if asked is None and facts.may_raise_limits else asked


def scope_properties(signal: int, seconds: int | None) -> dict[str, str]:
    """Annotations by which a runtime tells systemd how a container's scope ends.

    systemd ends it itself when the host is shut down, and would wait 90 seconds for a program that
    doesn't heed SIGTERM, as the first of a PID namespace doesn't by default.

    Args:
        signal: the number of the container's stop signal.
        seconds: until it is killed; ``None`` for systemd's own default.
    """
    found = {"org.systemd.property.KillSignal": str(signal)}
    if seconds is not None:
        found["org.systemd.property.TimeoutStopUSec"] = f"uint64 {seconds * 1_000_000}"
    return found


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
            raise InvalidInput(
                f"invalid ulimit type: {limit.name}",
                hint=f"there are {', '.join(sorted(_ULIMITS))}",
                exit_code=125,
            )
        if 0 <= limit.hard < limit.soft:
            raise InvalidInput(
                f"ulimit {limit.name}: soft limit {limit.soft} is above hard limit {limit.hard}",
                hint=f"such as --ulimit {limit.name}={limit.soft}:{limit.soft}",
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


def spec_mount(
    mount: Mount, source: str, kernel: tuple[int, int], *, directory: bool = True
) -> SpecMount:
    """One of the user's mounts; ``source`` is its absolute path on the host.

    Args:
        directory: the source is one; below anything else nothing is mounted, and crun 1.8 fails
            when it is to make that read-only.

    Raises:
        NotSupported: what is mounted below can't be made read-only by this kernel.
    """
    access = "ro" if mount.read_only else "rw"
    if mount.kind != "tmpfs":
        options = mount.options or ("rbind", "rprivate")
        if mount.read_only and directory and "rbind" in options and _read_only_below(mount, kernel):
            access = "rro"
        return SpecMount(mount.target, "bind", source, (*options, access))
    options = mount.options or ("nosuid", "nodev", "noexec")
    if mount.size is not None:
        options = (*options, f"size={mount.size}")
    mode = 0o1777 if mount.mode is None else mount.mode
    return SpecMount(mount.target, "tmpfs", "tmpfs", (*options, f"mode={mode:o}", access))


def _read_only_below(mount: Mount, kernel: tuple[int, int]) -> bool:
    able = kernel >= _RECURSIVE_READ_ONLY_SINCE
    if mount.below == "read-only" and not able:
        raise NotSupported(
            f"bind-recursive=readonly needs Linux 5.12, this is {kernel[0]}.{kernel[1]}",
            hint="bind-recursive=writable or disabled work on any",
            exit_code=125,
        )
    return able and mount.below != "writable"


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

"""What a container is: values only."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.networks.model import PortMapping
from dockyard.system.host import ProcessIdentity

State = Literal["creating", "created", "starting", "running", "exited", "removing"]
"""``creating``, ``starting`` and ``removing`` are transitional: their author holds the lock."""

NetworkMode = Literal["bridge", "none", "host"]

DEFAULT_SHM_BYTES = 64 << 20
DEFAULT_STOP_SIGNAL = "SIGTERM"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount asked for by the user (``-v``, ``--mount``, ``--tmpfs``) or by the image (VOLUME).

    ``source`` is a host path for a bind, a volume's name for a volume (``None``: anonymous), and
    unused for tmpfs. ``size`` is in bytes, ``mode`` the permission bits of a tmpfs.
    """

    kind: Literal["bind", "volume", "tmpfs"]
    target: str
    source: str | None = None
    read_only: bool = False
    options: tuple[str, ...] = ()
    size: int | None = None
    mode: int | None = None
    create_source: bool = False


class Ulimit(msgspec.Struct, frozen=True):
    """A resource limit (setrlimit(2)); -1 is unlimited."""

    name: str
    soft: int
    hard: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What ``run`` was asked for, in Docker's words; sizes in bytes."""

    name: str | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    """``None`` keeps the image's; an empty tuple clears it."""
    env: tuple[str, ...] = ()
    """``NAME=value`` entries; later ones win."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    hostname: str | None = None
    user: str | None = None
    working_dir: str | None = None
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    network: NetworkMode = "bridge"
    memory: int | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    shm_size: int = DEFAULT_SHM_BYTES
    ulimits: tuple[Ulimit, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    """``--security-opt``: ``no-new-privileges[=bool]``, ``seccomp=unconfined|FILE``."""
    read_only: bool = False
    init: bool = False
    interactive: bool = False
    remove: bool = False
    stop_signal: str | None = None
    runtime: str | None = None


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a container. Times are nanoseconds since 1970."""

    id: str
    name: str
    image_id: str
    image_name: str
    """The image as the user named it."""
    state: State
    created: int
    options: Options
    args: tuple[str, ...] = ()
    """Program and arguments that the container runs."""
    working_dir: str = "/"
    stop_signal: str = DEFAULT_STOP_SIGNAL
    runtime: str = ""
    """Absolute path of the OCI runtime that it was created with."""
    cgroup: str = ""
    mounts: tuple[Mount, ...] = ()
    """As resolved: volumes have names, sources are absolute."""
    process: ProcessIdentity | None = None
    """The container's first process while it runs."""
    monitor: ProcessIdentity | None = None
    """conmon."""
    started: int = 0
    finished: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    seccomp_profile: str = ""
    """The user's own profile as it was when the container was made; empty for the default."""
    has_healthcheck: bool = False

    @property
    def running(self) -> bool:
        """True where the record says so; recovery makes it agree with the kernel."""
        return self.state == "running"

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def holder(self) -> str:
        """The container's name in locks, leases and networks."""
        return f"c-{self.id}"

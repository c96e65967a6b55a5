"""What ``run`` and ``create`` can be asked for, by subject, in Docker's words. Values only.

``None``, an empty tuple and ``False`` mean "not given": the image's configuration or the engine's
default holds then. Sizes are in bytes, durations in nanoseconds, unless a field says otherwise.
"""

from typing import Literal

import msgspec

from dockyard.devices.request import GpuRequest
from dockyard.networks.model import Connection, PortMapping

NetworkMode = str
"""``bridge``, ``none``, ``host``, ``container:NAME``, or the name of a network."""
RestartPolicy = Literal["no", "always", "on-failure", "unless-stopped"]

DEFAULT_SHM_BYTES = 64 << 20


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount asked for by the user (``-v``, ``--mount``, ``--tmpfs``) or by the image (VOLUME).

    ``source`` is a host path for a bind, a volume's name for a volume (``None``: anonymous), a name
    or an id for a model, and unused for tmpfs. ``size`` is in bytes, ``mode`` the permission bits
    of a tmpfs.
    """

    kind: Literal["bind", "volume", "tmpfs", "model"]
    target: str
    source: str | None = None
    read_only: bool = False
    options: tuple[str, ...] = ()
    size: int | None = None
    mode: int | None = None
    create_source: bool = False
    below: Literal["default", "writable", "read-only"] = "default"
    """Whether a read-only bind is so for what is mounted below its source too; by default where
    the kernel can."""
    no_copy: bool = False
    """An empty volume doesn't take the image's content."""
    subpath: str = ""
    """A directory or file of the volume to mount instead of the whole."""
    relabel: bool = False
    """``:z`` or ``:Z``: SELinux's label of the source is to be one that containers may use."""
    volume_labels: dict[str, str] = {}
    """Of the volume, where it is made for this mount, as ``volume_options``."""
    volume_options: dict[str, str] = {}
    model: str = ""
    """What a model was called when its container was made; ``source`` is its id from then on."""


class Ulimit(msgspec.Struct, frozen=True):
    """A resource limit (setrlimit(2)); -1 is unlimited."""

    name: str
    soft: int
    hard: int


class DeviceRate(msgspec.Struct, frozen=True):
    """A block device of the host and a value for it: a weight, or bytes or operations a second."""

    path: str
    value: int


class Resources(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits of the container's cgroup and processes."""

    memory: int | None = None
    memory_swap: int | None = None
    """Memory and swap together; -1 is unlimited."""
    memory_reservation: int | None = None
    memory_swappiness: int | None = None
    """0 to 100; cgroup v1 only."""
    oom_kill_disable: bool = False
    oom_score_adj: int | None = None
    cpus: float | None = None
    cpu_shares: int | None = None
    cpu_period: int | None = None
    """Microseconds, as ``cpu_quota``."""
    cpu_quota: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpuset_cpus: str | None = None
    """A list such as ``0-3,7``, as ``cpuset_mems``."""
    cpuset_mems: str | None = None
    pids_limit: int | None = None
    shm_size: int = DEFAULT_SHM_BYTES
    ulimits: tuple[Ulimit, ...] = ()
    blkio_weight: int | None = None
    blkio_weight_device: tuple[DeviceRate, ...] = ()
    device_read_bps: tuple[DeviceRate, ...] = ()
    device_write_bps: tuple[DeviceRate, ...] = ()
    device_read_iops: tuple[DeviceRate, ...] = ()
    device_write_iops: tuple[DeviceRate, ...] = ()
    cgroup_parent: str | None = None


class Networking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the container is reached, and what it can reach."""

    network: NetworkMode = "bridge"
    connections: tuple[Connection, ...] | None = None
    """The networks that the container is on and what it asks of each; that of ``network`` alone,
    and nothing special, where ``None``."""
    ports: tuple[PortMapping, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    """``--expose``: ``PORT/PROTOCOL``, on top of the image's EXPOSE."""
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    """``--add-host``: ``NAME:ADDRESS``; the address may be ``host-gateway``."""


class Logging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the container's output is kept."""

    driver: str | None = None
    options: dict[str, str] = msgspec.field(default_factory=dict)


class HealthOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A health check on top of the image's HEALTHCHECK."""

    command: str | None = None
    """Run by the image's shell."""
    arguments: tuple[str, ...] = ()
    """A program and its arguments, run without a shell; instead of ``command``."""
    interval: int | None = None
    timeout: int | None = None
    start_period: int | None = None
    start_interval: int | None = None
    retries: int | None = None
    disabled: bool = False


class Restart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happens after the container's end."""

    policy: RestartPolicy = "no"
    max_retries: int = 0
    """0 is without end; for ``on-failure`` only."""


class Security(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the container's processes may do."""

    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """``--security-opt``: ``no-new-privileges[=bool]``, ``seccomp=unconfined|FILE`` and others."""


class Console(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The streams of the container's first process."""

    tty: bool = False
    interactive: bool = False
    """Keep its standard input open."""
    stdin_once: bool = False
    """Close it when the one who is attached goes, as for a pipe; a terminal's stays open."""


class Namespaces(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose namespaces the container is in: ``host``, ``container:NAME`` and such."""

    pid: str | None = None
    ipc: str | None = None
    uts: str | None = None
    user: str | None = None
    cgroup: str | None = None
    sysctls: dict[str, str] = msgspec.field(default_factory=dict)


class DeviceMapping(msgspec.Struct, frozen=True):
    """A device of the host (or a directory with some), and where it is in the container."""

    host: str
    container: str
    access: str = "rwm"
    """Of ``r`` (read), ``w`` (write) and ``m`` (make a node)."""


class Devices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Devices of the host in the container."""

    mappings: tuple[DeviceMapping, ...] = ()
    cdi: tuple[str, ...] = ()
    """Devices by the names of the Container Device Interface: ``VENDOR/CLASS=NAME``."""
    cgroup_rules: tuple[str, ...] = ()
    """``--device-cgroup-rule``: ``c 42:* rwm``."""
    gpus: tuple[GpuRequest, ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that ``run`` and ``create`` were asked for."""

    name: str | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    """``None`` keeps the image's; an empty tuple clears it."""
    env: tuple[str, ...] = ()
    """``NAME=value`` entries; later ones win, and a name alone takes the image's variable away."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    hostname: str | None = None
    domainname: str | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    """``--group-add``: names or numbers."""
    working_dir: str | None = None
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    read_only: bool = False
    init: bool = False
    remove: bool = False
    stop_signal: str | None = None
    stop_timeout: int | None = None
    """Seconds; -1 waits without end."""
    runtime: str | None = None
    platform: str | None = None
    resources: Resources = Resources()
    networking: Networking = Networking()
    logging: Logging = Logging()
    health: HealthOptions = HealthOptions()
    restart: Restart = Restart()
    security: Security = Security()
    console: Console = Console()
    namespaces: Namespaces = Namespaces()
    devices: Devices = Devices()

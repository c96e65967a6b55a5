"""What a container is: values only."""

from typing import Literal

import msgspec

from dockyard.containers.logging.settings import LogSettings
from dockyard.containers.options import (
    DEFAULT_SHM_BYTES,
    Console,
    DeviceMapping,
    DeviceRate,
    Devices,
    HealthOptions,
    Logging,
    Mount,
    Namespaces,
    Networking,
    NetworkMode,
    Options,
    Resources,
    Restart,
    RestartPolicy,
    Security,
    Ulimit,
)
from dockyard.devices.request import GpuRequest
from dockyard.networks.model import PortMapping
from dockyard.oci.image import Healthcheck
from dockyard.system.host import ProcessIdentity

__all__ = [
    "DEFAULT_SHM_BYTES",
    "DEFAULT_STOP_SIGNAL",
    "Console",
    "Container",
    "DeviceMapping",
    "DeviceRate",
    "Devices",
    "GpuRequest",
    "HealthOptions",
    "Logging",
    "Mount",
    "Namespaces",
    "NetworkMode",
    "Networking",
    "Options",
    "Resources",
    "Restart",
    "RestartPolicy",
    "Restarts",
    "Security",
    "State",
    "Ulimit",
]

State = Literal["creating", "created", "starting", "running", "restarting", "exited", "removing"]
"""``creating``, ``starting`` and ``removing`` are transitional: their author holds the lock.
``restarting`` has ended and waits until its policy starts it again."""

DEFAULT_STOP_SIGNAL = "SIGTERM"


class Restarts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often a restart policy has restarted a container, and when it does next."""

    count: int = 0
    """Since it was last started by a command."""
    wait: int = 0
    """Nanoseconds waited last."""
    due: int = 0
    """Nanoseconds since 1970; 0 where it neither waits nor is being restarted."""
    boot: str = ""
    """The host's boot in which it waits."""
    exit_code: int = 0
    """Of the run before."""
    ports: tuple[PortMapping, ...] = ()
    """As they were published, so that they stay the same."""


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
    shm_full: bool = False
    """Its ``/dev/shm`` ran out of room in a run that is over, since a command started it."""
    error: str = ""
    seccomp_profile: str = ""
    """The user's own profile as it was when the container was made; empty for the default."""
    healthcheck: Healthcheck | None = None
    """The image's, with the user's options on top."""
    paused: bool = False
    """Its processes are frozen, or about to be; see :mod:`dockyard.containers.pause`."""
    kept: bool = False
    """Its next end is followed by a start: ``--rm`` doesn't count then."""
    labels: dict[str, str] = {}
    """The image's, with the user's on top."""
    restarts: Restarts = Restarts()
    log: LogSettings = LogSettings()
    """What of its output is kept."""
    stopped_by_hand: bool = False
    """A command ended it, or is about to, since it was last started."""

    @property
    def running(self) -> bool:
        """True where the record says so; recovery makes it agree with the kernel."""
        return self.state == "running"

    @property
    def has_healthcheck(self) -> bool:
        return self.healthcheck is not None

    @property
    def shown_state(self) -> str:
        """The state in Docker's words, which have none for what is in between."""
        if self.state == "starting" and self.restarts.due:
            return "restarting"
        if self.paused:
            return "paused"
        return "created" if self.state in {"creating", "starting"} else self.state

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def holder(self) -> str:
        """The container's name in locks, leases and networks."""
        return f"c-{self.id}"

"""What the acts on containers work with, put together once by the engine."""

from __future__ import annotations

import functools
import os
import resource
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dockyard.config import Config
from dockyard.containers import spec_resources
from dockyard.containers.facts import HostFacts
from dockyard.containers.model import Container
from dockyard.containers.options import Resources
from dockyard.containers.runtime import Runtime, choose
from dockyard.containers.store import ContainerStore
from dockyard.images.layers import LayerStore
from dockyard.images.store import ImageStore
from dockyard.networks.apply import Networks
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import cgroups, host
from dockyard.volumes.apply import Volumes

if TYPE_CHECKING:
    from dockyard.containers.health.store import HealthStore
    from dockyard.devices.apply import VendorDevices
    from dockyard.models.apply import Models
    from dockyard.networks.manage import Catalog
    from dockyard.registry.client import Client

_CAP_SYS_RESOURCE = 24


class Parts:
    """Stores and services of one root, and what is known of the host (read on first use)."""

    def __init__(
        self, config: Config, paths: Paths, database: Database, warn: Callable[[str], None]
    ) -> None:
        self.config = config
        self.paths = paths
        self.database = database
        self.warn = warn
        """Called with a sentence that the user should see though nothing failed."""
        self.layers = LayerStore(paths, database)
        self.images = ImageStore(paths, database, self.layers)
        self.networks = Networks(paths, database, config, warn)
        self.volumes = Volumes(paths, database)
        self.store = ContainerStore(database)

    @functools.cached_property
    def models(self) -> Models:
        """The models that containers can mount."""
        from dockyard.images.content import ContentStore
        from dockyard.models.apply import Models  # only where one is asked for

        content = ContentStore(self.paths, self.database)
        return Models(self.paths, self.database, content, self.client)

    def client(self) -> Client:
        """Connections and credentials for registries, which the caller closes."""
        from dockyard.registry.client import Client

        return Client.from_config(self.config, self.warn)

    @functools.cached_property
    def health(self) -> HealthStore:
        """What the checks of containers found."""
        from dockyard.containers.health.store import HealthStore  # only where one is checked

        return HealthStore(self.database)

    @functools.cached_property
    def devices(self) -> VendorDevices:
        """The devices that vendors describe (CDI)."""
        from dockyard.devices.apply import VendorDevices  # only where such a device is asked for

        return VendorDevices(self.config.cdi_directories)

    @functools.cached_property
    def catalog(self) -> Catalog:
        """The networks that there are, for who names one or makes one."""
        from dockyard.networks.manage import Catalog

        return Catalog(self.networks, self.paths.root_hash)

    @functools.cached_property
    def cgroup_layout(self) -> cgroups.CgroupLayout:
        return cgroups.read_layout()

    @functools.cached_property
    def facts(self) -> HostFacts:
        """What options are checked against."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        bounds = host.capability_bounds()
        return HostFacts(
            hostname=os.uname().nodename,
            architecture=host.architecture(),
            kernel=host.kernel_version(),
            cpus=host.cpu_count(),
            capability_bounds=bounds,
            nofile_hard=hard,
            may_raise_limits=bool(bounds >> _CAP_SYS_RESOURCE & 1),
            controllers=frozenset(self.cgroup_layout.controllers),
            has_swap=host.has_swap(),
            cgroup_mode=self.cgroup_layout.mode,
            systemd=self.cgroup_layout.systemd,
            apparmor_profiles=host.apparmor_profiles(),
            selinux=host.has_selinux(),
        )

    def facts_for(self, resources: Resources) -> HostFacts:
        """The facts with those that only uncommon limits need, where some of them are asked for."""
        if not spec_resources.needs_more_facts(resources):
            return self.facts
        return msgspec.structs.replace(
            self.facts,
            knobs=cgroups.knobs(self.cgroup_layout),
            online_cpus=host.online_cpus(),
            memory_nodes=host.memory_nodes(),
            real_time=self._real_time(resources) if resources.cpu_rt_runtime else (0, 0),
        )

    def _real_time(self, resources: Resources) -> tuple[int, int]:
        layout, parent = self.cgroup_layout, resources.cgroup_parent
        path = cgroups.cgroup_path(layout, self.paths.root_hash, "any", parent=parent)
        return cgroups.real_time_above(layout, path)

    def runtime(self, wanted: str | None = None) -> Runtime:
        """The OCI runtime to use; see :func:`dockyard.containers.runtime.choose`."""
        name = wanted or self.config.runtime
        return choose(self.paths, name, systemd=self.cgroup_layout.systemd)

    def runtime_of(self, container: Container) -> Runtime:
        """The runtime that a container was created with."""
        systemd = self.cgroup_layout.systemd
        return Runtime(container.runtime, self.paths.runtime_state, systemd)

    def lock_path(self, holder: str) -> str:
        return f"{self.paths.locks}/{holder}.lock"

    def lock(self, holder: str, timeout: float | None = None) -> Lock:
        """The lock of one object; see :meth:`dockyard.state.locks.Lock.acquire`."""
        return Lock.acquire(self.lock_path(holder), timeout=timeout)

"""A service: what its containers are made of."""

from __future__ import annotations

from typing import Any

import msgspec

from dockyard.compose.model.parts import (
    BlkioConfig,
    Build,
    Dependency,
    Deploy,
    Develop,
    DeviceMapping,
    DeviceRequest,
    EnvFile,
    FileReference,
    HealthCheck,
    Hook,
    Logging,
    Port,
    Provider,
    ServiceModel,
    ServiceNetwork,
    ServiceVolume,
    Ulimit,
)
from dockyard.compose.model.quantities import Duration, Size


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service, normalised. Names of fields are the specification's.

    ``None``, an empty text and an empty collection mean "not given", but for ``command`` and
    ``entrypoint``, where ``None`` keeps the image's and an empty tuple clears it.
    """

    name: str = ""
    annotations: dict[str, str] = {}
    attach: bool | None = None
    blkio_config: BlkioConfig | None = None
    build: Build | None = None
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    cgroup: str = ""
    cgroup_parent: str = ""
    command: tuple[str, ...] | None = None
    configs: tuple[FileReference, ...] = ()
    container_name: str = ""
    cpu_count: int = 0
    cpu_percent: float = 0.0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_rt_period: int = 0
    cpu_rt_runtime: int = 0
    cpu_shares: int = 0
    cpus: float = 0.0
    cpuset: str = ""
    credential_spec: dict[str, Any] = {}
    depends_on: dict[str, Dependency] = {}
    deploy: Deploy | None = None
    develop: Develop | None = None
    device_cgroup_rules: tuple[str, ...] = ()
    devices: tuple[DeviceMapping, ...] = ()
    dns: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    domainname: str = ""
    entrypoint: tuple[str, ...] | None = None
    env_file: tuple[EnvFile | str, ...] = ()
    environment: dict[str, str | None] = {}
    expose: tuple[str, ...] = ()
    external_links: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    gpus: tuple[DeviceRequest, ...] = ()
    group_add: tuple[str, ...] = ()
    healthcheck: HealthCheck | None = None
    hostname: str = ""
    image: str = ""
    init: bool | None = None
    ipc: str = ""
    isolation: str = ""
    label_file: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    links: tuple[str, ...] = ()
    logging: Logging | None = None
    mac_address: str = ""
    mem_limit: Size | None = None
    mem_reservation: Size | None = None
    mem_swappiness: Size | None = None
    memswap_limit: Size | None = None
    models: dict[str, ServiceModel | None] = {}
    network_mode: str = ""
    networks: dict[str, ServiceNetwork | None] = {}
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    pid: str = ""
    pids_limit: int = 0
    platform: str = ""
    ports: tuple[Port, ...] = ()
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()
    privileged: bool = False
    profiles: tuple[str, ...] = ()
    provider: Provider | None = None
    pull_policy: str = ""
    read_only: bool = False
    restart: str = ""
    runtime: str = ""
    scale: int | None = None
    secrets: tuple[FileReference, ...] = ()
    security_opt: tuple[str, ...] = ()
    shm_size: Size | None = None
    stdin_open: bool = False
    stop_grace_period: Duration | None = None
    stop_signal: str = ""
    storage_opt: dict[str, str] = {}
    sysctls: dict[str, str] = {}
    tmpfs: tuple[str, ...] = ()
    tty: bool = False
    ulimits: dict[str, int | Ulimit] = {}
    use_api_socket: bool = False
    user: str = ""
    userns_mode: str = ""
    uts: str = ""
    volumes: tuple[ServiceVolume, ...] = ()
    volumes_from: tuple[str, ...] = ()
    working_dir: str = ""
    extensions: dict[str, Any] = {}
    """What begins with ``x-``."""

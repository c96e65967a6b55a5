"""The parts of services: builds, mounts, ports, networks, checks, deployment."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dockyard.compose.model.quantities import Duration, Mode, Size


class Ulimit(msgspec.Struct, frozen=True, kw_only=True):
    """A resource limit, -1 being without limit."""

    soft: int = 0
    hard: int = 0


class FileReference(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or a config in a container, or a secret of a build."""

    source: str = ""
    target: str = ""
    uid: str = ""
    gid: str = ""
    mode: Mode | None = None


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """How an image is built."""

    context: str = ""
    dockerfile: str = ""
    dockerfile_inline: str = ""
    entitlements: tuple[str, ...] = ()
    args: dict[str, str | None] = {}
    provenance: str = ""
    sbom: str = ""
    ssh: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    additional_contexts: dict[str, str] = {}
    pull: bool = False
    extra_hosts: tuple[str, ...] = ()
    isolation: str = ""
    network: str = ""
    target: str = ""
    secrets: tuple[FileReference, ...] = ()
    shm_size: Size | None = None
    tags: tuple[str, ...] = ()
    ulimits: dict[str, int | Ulimit] = {}
    platforms: tuple[str, ...] = ()
    privileged: bool = False


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is run in a container after its start, before its stop, or after a sync."""

    command: tuple[str, ...] | None = None
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: dict[str, str | None] = {}


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is done when files below a path change."""

    path: str
    action: Literal["sync", "rebuild", "restart", "sync+restart", "sync+exec"]
    target: str = ""
    exec: Hook | None = None
    include: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    initial_sync: bool = False


class Develop(msgspec.Struct, frozen=True, kw_only=True):
    """For ``compose watch``."""

    watch: tuple[Watch, ...] = ()


class WeightDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A block device's weight."""

    path: str = msgspec.field(name="Path")
    weight: int = msgspec.field(name="Weight")


class ThrottleDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A block device's rate, in bytes or operations a second."""

    path: str = msgspec.field(name="Path")
    rate: Size = msgspec.field(name="Rate")


class BlkioConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Weights and rates of block devices."""

    weight: int | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    device_read_bps: tuple[ThrottleDevice, ...] = ()
    device_read_iops: tuple[ThrottleDevice, ...] = ()
    device_write_bps: tuple[ThrottleDevice, ...] = ()
    device_write_iops: tuple[ThrottleDevice, ...] = ()


Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """What another service must have come to before this one starts."""

    condition: Condition = "service_started"
    restart: bool = False
    required: bool = True


class DeviceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """GPUs and such; a count of -1 is all."""

    capabilities: tuple[str, ...] = ()
    driver: str = ""
    count: int | None = None
    device_ids: tuple[str, ...] = ()
    options: dict[str, str] = {}


class DeviceMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the host."""

    source: str = ""
    target: str = ""
    permissions: str = ""


class ResourceValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a container may have at most, or has for itself."""

    cpus: float | None = None
    memory: Size | None = None
    pids: int | None = None
    devices: tuple[DeviceRequest, ...] = ()
    generic_resources: tuple[dict[str, Any], ...] = ()


class DeployResources(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and reservations."""

    limits: ResourceValues | None = None
    reservations: ResourceValues | None = None


class UpdateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How containers are replaced."""

    parallelism: int | None = None
    delay: Duration | None = None
    failure_action: str = ""
    monitor: Duration | None = None
    max_failure_ratio: float = 0.0
    order: str = ""


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a container is started again."""

    condition: str = ""
    delay: Duration | None = None
    max_attempts: int | None = None
    window: Duration | None = None


class Deploy(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is deployed."""

    mode: str = ""
    replicas: int | None = None
    labels: dict[str, str] = {}
    update_config: UpdateConfig | None = None
    rollback_config: UpdateConfig | None = None
    resources: DeployResources = DeployResources()
    restart_policy: RestartPolicy | None = None
    placement: dict[str, Any] = {}
    endpoint_mode: str = ""


class EnvFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with variables."""

    path: str
    required: bool = True
    format: str = ""


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How a container's health is asked."""

    test: tuple[str, ...] | None = None
    timeout: Duration | None = None
    interval: Duration | None = None
    retries: int | None = None
    start_period: Duration | None = None
    start_interval: Duration | None = None
    disable: bool = False


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    """Where a container's output goes."""

    driver: str = ""
    options: dict[str, str] = {}


class ServiceModel(msgspec.Struct, frozen=True, kw_only=True):
    """The variables by which a container finds a model."""

    endpoint_var: str = ""
    model_var: str = ""


class ServiceNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A container on a network."""

    aliases: tuple[str, ...] = ()
    driver_opts: dict[str, str] = {}
    gw_priority: int = 0
    interface_name: str = ""
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac_address: str = ""
    priority: int = 0


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A published port; ``published`` may be a range or empty."""

    target: int = 0
    published: str = ""
    host_ip: str = ""
    protocol: str = "tcp"
    mode: str = ""
    name: str = ""
    app_protocol: str = ""


class BindOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Of a mounted path of the host."""

    selinux: str = ""
    propagation: str = ""
    create_host_path: bool = False
    recursive: str = ""


class VolumeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Of a mounted volume."""

    labels: dict[str, str] = {}
    nocopy: bool = False
    subpath: str = ""


class TmpfsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Of a filesystem in memory."""

    size: Size | None = None
    mode: int | None = None


class ImageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Of a mounted image."""

    subpath: str = ""


class ServiceVolume(msgspec.Struct, frozen=True, kw_only=True):
    """Something mounted."""

    type: str
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind: BindOptions | None = None
    volume: VolumeOptions | None = None
    tmpfs: TmpfsOptions | None = None
    image: ImageOptions | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A program that provides what isn't a container."""

    type: str = ""
    options: dict[str, Any] = {}

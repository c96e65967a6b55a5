"""Limits of a service's containers, and the devices that they have. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.arguments.devices import is_cdi_name
from dockyard.compose.model.parts import (
    BlkioConfig,
    DeployResources,
    DeviceRequest,
    ResourceValues,
    ThrottleDevice,
)
from dockyard.compose.model.service import Service
from dockyard.containers.options import (
    DEFAULT_SHM_BYTES,
    DeviceMapping,
    DeviceRate,
    Devices,
    Resources,
    Ulimit,
)
from dockyard.devices.request import ALL, GpuRequest
from dockyard.errors import InvalidInput, NotSupported

_GPU = "gpu"
_OWN_DRIVERS = frozenset({"cdi", "nvidia"})


def resources(service: Service) -> Resources:
    """The limits; those of ``deploy`` have precedence, as in Compose."""
    limits, reserved = _deployed(service)
    memory = limits.memory or service.mem_limit
    cpus = limits.cpus or service.cpus
    pids = limits.pids or service.pids_limit
    blkio = service.blkio_config or BlkioConfig()
    return Resources(
        memory=_bytes(memory),
        memory_swap=_bytes(service.memswap_limit),
        memory_reservation=_bytes(reserved.memory or service.mem_reservation),
        memory_swappiness=_bytes(service.mem_swappiness),
        oom_kill_disable=service.oom_kill_disable,
        oom_score_adj=service.oom_score_adj or None,
        cpus=float(cpus) if cpus else None,
        cpu_shares=service.cpu_shares or None,
        cpu_period=service.cpu_period or None,
        cpu_quota=service.cpu_quota or None,
        cpu_rt_period=service.cpu_rt_period or None,
        cpu_rt_runtime=service.cpu_rt_runtime or None,
        cpuset_cpus=service.cpuset or None,
        pids_limit=pids or None,
        shm_size=_bytes(service.shm_size) or DEFAULT_SHM_BYTES,
        ulimits=_ulimits(service),
        blkio_weight=blkio.weight or None,
        blkio_weight_device=tuple(
            DeviceRate(each.path, each.weight) for each in blkio.weight_device
        ),
        device_read_bps=_rates(blkio.device_read_bps),
        device_write_bps=_rates(blkio.device_write_bps),
        device_read_iops=_rates(blkio.device_read_iops),
        device_write_iops=_rates(blkio.device_write_iops),
        cgroup_parent=service.cgroup_parent or None,
    )


def _deployed(service: Service) -> tuple[ResourceValues, ResourceValues]:
    """What ``deploy`` limits and reserves."""
    asked = DeployResources() if service.deploy is None else service.deploy.resources
    return asked.limits or ResourceValues(), asked.reservations or ResourceValues()


def _bytes(value: int | None) -> int | None:
    """A plain number; 0 sets no limit."""
    return int(value) if value else None


def _rates(asked: Iterable[ThrottleDevice]) -> tuple[DeviceRate, ...]:
    return tuple(DeviceRate(each.path, int(each.rate)) for each in asked)


def _ulimits(service: Service) -> tuple[Ulimit, ...]:
    found = []
    for name, asked in sorted(service.ulimits.items()):
        soft, hard = (asked, asked) if isinstance(asked, int) else (asked.soft, asked.hard)
        found.append(Ulimit(name, soft, hard))
    return tuple(found)


def devices(service: Service) -> Devices:
    """The devices: paths, CDI names, and GPUs by request.

    Raises:
        InvalidInput, NotSupported: a request makes no sense, or is for what isn't there.
    """
    where = f"services.{service.name}"
    _, reserved = _deployed(service)
    requests = (
        *_requests(f"{where}.gpus", service.gpus, (_GPU,)),
        *_requests(f"{where}.deploy.resources.reservations.devices", reserved.devices, ()),
    )
    return Devices(
        mappings=tuple(
            DeviceMapping(each.source, each.target or each.source, each.permissions or "rwm")
            for each in service.devices
            if not _is_cdi(each.source, each.target)
        ),
        cdi=tuple(each.source for each in service.devices if _is_cdi(each.source, each.target)),
        cgroup_rules=service.device_cgroup_rules,
        gpus=requests,
    )


def _is_cdi(source: str, target: str) -> bool:
    return source == (target or source) and is_cdi_name(source)


def _requests(
    where: str, asked: Iterable[DeviceRequest], more: tuple[str, ...]
) -> tuple[GpuRequest, ...]:
    return tuple(_request(f"{where}[{index}]", each, more) for index, each in enumerate(asked))


def _request(where: str, asked: DeviceRequest, more: tuple[str, ...]) -> GpuRequest:
    if asked.count is not None and asked.device_ids:
        raise InvalidInput(
            f'{where}: "count" and "device_ids" attributes are exclusive',
            hint="leave one of them out",
        )
    if asked.options:
        raise NotSupported(
            f"{where}.options: options of devices are not supported",
            hint="leave them out: capabilities, driver, count and device_ids count",
        )
    capabilities = tuple(dict.fromkeys((*asked.capabilities, *more)))
    if _GPU not in capabilities and asked.driver not in _OWN_DRIVERS:
        raise NotSupported(
            f"{where}: no device has the capabilities {', '.join(capabilities) or 'nothing'}",
            hint="capabilities: [gpu] asks for GPUs, driver: cdi with device_ids for others",
        )
    count = None if asked.device_ids else ALL if asked.count is None else asked.count
    return GpuRequest(
        count=count, ids=asked.device_ids, driver=asked.driver,
        capabilities=tuple(each for each in capabilities if each != _GPU),
    )  # fmt: skip

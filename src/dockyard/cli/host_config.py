"""The ``HostConfig`` of ``inspect``: what a container was asked for, in Docker's names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dockyard.cli import ports_view
from dockyard.containers.model import (
    Container,
    DeviceRate,
    Devices,
    Mount,
    Namespaces,
    Networking,
    Options,
    Resources,
    Restart,
)
from dockyard.security import paths as guarded

Document = dict[str, Any]


def host_config(container: Container) -> Document:
    """Everything of it, put together by subject."""
    options = container.options
    return {
        "Annotations": dict(options.annotations) or None,
        "AutoRemove": options.remove,
        "GroupAdd": list(options.groups) or None,
        "Init": options.init,
        "Runtime": container.runtime,
        "LogConfig": {
            "Type": options.logging.driver or container.log.driver,
            "Config": dict(options.logging.options),
        },
        **_storage(options),
        **_networking(options.networking),
        **_resources(options.resources),
        **_security(options),
        **_namespaces(options.namespaces),
        **_devices(options.devices),
        **_restart(options.restart),
    }


def _storage(options: Options) -> Document:
    tmpfs = {
        mount.target: ",".join(mount.options) for mount in options.mounts if mount.kind == "tmpfs"
    }
    return {
        "Binds": [_bind(mount) for mount in options.mounts if mount.kind != "tmpfs"] or None,
        "Tmpfs": tmpfs or None,
        "VolumesFrom": list(options.volumes_from) or None,
        "VolumeDriver": "",
        "ReadonlyRootfs": options.read_only,
    }


def _networking(networking: Networking) -> Document:
    return {
        "NetworkMode": networking.network,
        "PortBindings": ports_view.wanted(networking.ports),
        "ExtraHosts": list(networking.extra_hosts) or None,
        "Dns": list(networking.dns) or None,
        "DnsOptions": list(networking.dns_options) or None,
        "DnsSearch": list(networking.dns_search) or None,
        "Links": None,
    }


def _resources(resources: Resources) -> Document:
    return {
        "ShmSize": resources.shm_size,
        "Memory": resources.memory or 0,
        "MemoryReservation": resources.memory_reservation or 0,
        "MemorySwap": resources.memory_swap or (resources.memory or 0) * 2,
        "MemorySwappiness": resources.memory_swappiness,
        "OomKillDisable": resources.oom_kill_disable,
        "OomScoreAdj": resources.oom_score_adj or 0,
        "NanoCpus": round((resources.cpus or 0) * 10**9),
        "CpuShares": resources.cpu_shares or 0,
        "CpuPeriod": resources.cpu_period or 0,
        "CpuQuota": resources.cpu_quota or 0,
        "CpuRealtimePeriod": resources.cpu_rt_period or 0,
        "CpuRealtimeRuntime": resources.cpu_rt_runtime or 0,
        "CpusetCpus": resources.cpuset_cpus or "",
        "CpusetMems": resources.cpuset_mems or "",
        "PidsLimit": resources.pids_limit,
        "BlkioWeight": resources.blkio_weight or 0,
        "BlkioWeightDevice": [
            {"Path": one.path, "Weight": one.value} for one in resources.blkio_weight_device
        ],
        "BlkioDeviceReadBps": _rates(resources.device_read_bps),
        "BlkioDeviceWriteBps": _rates(resources.device_write_bps),
        "BlkioDeviceReadIOps": _rates(resources.device_read_iops),
        "BlkioDeviceWriteIOps": _rates(resources.device_write_iops),
        "CgroupParent": resources.cgroup_parent or "",
        "Ulimits": [
            {"Name": one.name, "Hard": one.hard, "Soft": one.soft} for one in resources.ulimits
        ],
    }


def _rates(rates: Sequence[DeviceRate]) -> list[Document]:
    return [{"Path": one.path, "Rate": one.value} for one in rates]


def _security(options: Options) -> Document:
    security = options.security
    bare = security.privileged or "systempaths=unconfined" in security.options
    return {
        "Privileged": security.privileged,
        "MaskedPaths": [] if bare else list(guarded.MASKED),
        "ReadonlyPaths": [] if bare else list(guarded.READONLY),
        "CapAdd": list(security.cap_add) or None,
        "CapDrop": list(security.cap_drop) or None,
        "SecurityOpt": list(security.options) or None,
    }


def _namespaces(namespaces: Namespaces) -> Document:
    return {
        "PidMode": namespaces.pid or "",
        "IpcMode": namespaces.ipc or "private",
        "UTSMode": namespaces.uts or "",
        "UsernsMode": namespaces.user or "",
        "CgroupnsMode": namespaces.cgroup or "private",
        "Sysctls": dict(namespaces.sysctls) or None,
    }


def _devices(devices: Devices) -> Document:
    requests: list[Document] = [
        {
            "Driver": one.driver,
            "Count": one.count or 0,
            "DeviceIDs": list(one.ids) or None,
            "Capabilities": [list(one.capabilities or ("gpu",))],
            "Options": {},
        }
        for one in devices.gpus
    ]
    if devices.cdi:
        requests.append(
            {
                "Driver": "cdi",
                "Count": 0,
                "DeviceIDs": list(devices.cdi),
                "Capabilities": [],
                "Options": {},
            }
        )
    return {
        "Devices": [
            {"PathOnHost": one.host, "PathInContainer": one.container,
             "CgroupPermissions": one.access}
            for one in devices.mappings
        ],
        "DeviceCgroupRules": list(devices.cgroup_rules) or None,
        "DeviceRequests": requests or None,
    }  # fmt: skip


def _restart(restart: Restart) -> Document:
    return {"RestartPolicy": {"Name": restart.policy, "MaximumRetryCount": restart.max_retries}}


def _bind(mount: Mount) -> str:
    source = f"{mount.source}:" if mount.source else ""
    return f"{source}{mount.target}{':ro' if mount.read_only else ''}"

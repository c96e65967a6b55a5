"""The ``HostConfig`` of ``inspect``: what a container was asked for, in Docker's names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dockyard.containers.model import (
    Container,
    Mount,
    Networking,
    Options,
    Resources,
    Restart,
    Security,
)
from dockyard.networks.model import PortMapping

Document = dict[str, Any]


def host_config(container: Container) -> Document:
    """Everything of it, put together by subject."""
    options = container.options
    return {
        "AutoRemove": options.remove,
        "Init": options.init,
        "Runtime": container.runtime,
        **_storage(options),
        **_networking(options.networking),
        **_resources(options.resources),
        **_security(options.security),
        **_restart(options.restart),
    }


def _storage(options: Options) -> Document:
    tmpfs = {
        mount.target: ",".join(mount.options) for mount in options.mounts if mount.kind == "tmpfs"
    }
    return {
        "Binds": [_bind(mount) for mount in options.mounts if mount.kind != "tmpfs"] or None,
        "Tmpfs": tmpfs or None,
        "ReadonlyRootfs": options.read_only,
    }


def _networking(networking: Networking) -> Document:
    return {
        "NetworkMode": networking.network,
        "PortBindings": port_bindings(networking.ports),
    }


def _resources(resources: Resources) -> Document:
    return {
        "ShmSize": resources.shm_size,
        "Memory": resources.memory or 0,
        "NanoCpus": round((resources.cpus or 0) * 10**9),
        "PidsLimit": resources.pids_limit,
        "CgroupParent": "",
        "Ulimits": [
            {"Name": one.name, "Hard": one.hard, "Soft": one.soft} for one in resources.ulimits
        ],
    }


def _security(security: Security) -> Document:
    return {
        "Privileged": False,
        "CapAdd": list(security.cap_add) or None,
        "CapDrop": list(security.cap_drop) or None,
        "SecurityOpt": list(security.options) or None,
    }


def _restart(restart: Restart) -> Document:
    return {"RestartPolicy": {"Name": restart.policy, "MaximumRetryCount": restart.max_retries}}


def port_bindings(ports: Iterable[PortMapping]) -> dict[str, list[dict[str, str]]]:
    """Published ports by container port, as Docker shows them."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in sorted(ports, key=lambda one: (one.container_port, one.protocol, one.host_ip)):
        host_port = str(port.host_port) if port.host_port else ""
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(
            {"HostIp": port.host_ip, "HostPort": host_port}
        )
    return found


def _bind(mount: Mount) -> str:
    source = f"{mount.source}:" if mount.source else ""
    return f"{source}{mount.target}{':ro' if mount.read_only else ''}"

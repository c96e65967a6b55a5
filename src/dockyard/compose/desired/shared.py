"""The networks and volumes of a project, as the engine is asked for them. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from dockyard.compose import labels
from dockyard.compose.desired import names
from dockyard.compose.desired.version import COMPOSE_VERSION
from dockyard.compose.model.project import Ipam, Network, Project, Volume
from dockyard.errors import NotSupported
from dockyard.networks.request import NetworkRequest

_IPAM_DRIVERS = frozenset({"", "default"})


class WantedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that is made where it is missing."""

    name: str
    labels: dict[str, str] = {}
    options: dict[str, str] = {}

    @property
    def hash(self) -> str:
        return self.labels.get(labels.HASH, "")


def used_networks(project: Project) -> tuple[str, ...]:
    """The networks that some service is on, and the default one where it is described."""
    used = {
        key
        for service in project.services.values()
        if not service.network_mode
        for key in service.networks or ("default",)
    }
    return tuple(key for key in project.networks if key in used)


def network(project: Project, key: str) -> NetworkRequest:
    """What a network is made of.

    Raises:
        NotSupported: a driver that isn't there.
    """
    asked = project.networks[key]
    if asked.ipam.driver not in _IPAM_DRIVERS:
        raise NotSupported(
            f"networks.{key}.ipam.driver: {asked.ipam.driver} is not supported",
            hint="leave it out: addresses are given by the engine",
        )
    if asked.enable_ipv4 is False:
        raise NotSupported(
            f"networks.{key}.enable_ipv4: a network without IPv4 is not supported",
            hint="leave it out, and set enable_ipv6 for IPv6 as well",
        )
    name = names.network_name(project, key)
    wanted = NetworkRequest(
        name=name,
        driver={"default": "bridge", "": "bridge"}.get(asked.driver, asked.driver),
        internal=asked.internal,
        ipv6=asked.enable_ipv6 is True,
        subnets=tuple(pool.subnet for pool in asked.ipam.config if pool.subnet),
        gateways=tuple(pool.gateway for pool in asked.ipam.config if pool.gateway),
        ip_ranges=tuple(pool.ip_range for pool in asked.ipam.config if pool.ip_range),
        auxiliary=_auxiliary(asked),
        options=asked.driver_opts,
        labels=asked.labels,
    )
    own = {labels.NETWORK: key, labels.HASH: _hash(wanted)}
    return msgspec.structs.replace(wanted, labels=asked.labels | _common(project) | own)


def _auxiliary(asked: Network) -> dict[str, str]:
    ipam: Ipam = asked.ipam
    return {name: each for pool in ipam.config for name, each in pool.aux_addresses.items()}


def volume(project: Project, key: str) -> WantedVolume:
    """What a volume is made of.

    Raises:
        NotSupported: a driver that isn't there.
    """
    asked: Volume = project.volumes[key]
    if asked.driver not in {"", "local"}:
        raise NotSupported(
            f"volumes.{key}.driver: {asked.driver} is not available",
            hint="leave it out, or mount the storage on the host and bind that directory",
        )
    wanted = WantedVolume(
        name=names.volume_name(project, key), options=asked.driver_opts, labels=asked.labels
    )
    own = {labels.VOLUME: key, labels.HASH: _hash(wanted)}
    return msgspec.structs.replace(wanted, labels=asked.labels | _common(project) | own)


def _common(project: Project) -> dict[str, str]:
    return {labels.PROJECT: project.name, labels.VERSION: COMPOSE_VERSION}


def _hash(value: msgspec.Struct) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def used_volumes(project: Project) -> tuple[str, ...]:
    """The volumes that some service mounts."""
    used = {
        mount.source
        for service in project.services.values()
        for mount in service.volumes
        if mount.type == "volume"
    }
    return tuple(key for key in project.volumes if key in used)

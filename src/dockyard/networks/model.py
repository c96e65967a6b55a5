"""What a network, an endpoint and a published port are. No I/O."""

from __future__ import annotations

from typing import Literal

import msgspec

Protocol = Literal["tcp", "udp"]

DEFAULT_NETWORK = "bridge"
"""The network of a container that names none; Docker's name for it."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """An IPv4 network behind a bridge of this host."""

    name: str
    bridge: str
    """Name of the bridge interface; at most 15 characters, as the kernel wants."""
    subnet: str
    """In CIDR notation, such as ``10.87.0.0/22``."""
    gateway: str
    """The bridge's own address: the first one of the subnet."""
    mtu: int
    """Largest packet in bytes, that of the interface through which the host reaches others."""


class PortMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A port of the host that leads to a port of a container."""

    container_port: int
    host_port: int = 0
    """0 asks for any free port; never 0 once the endpoint exists."""
    host_ip: str = ""
    """The host's address that it is published on; empty for the configured one."""
    protocol: Protocol = "tcp"

    def overlaps(self, other: PortMapping) -> bool:
        """True where both claim the same port of the same address."""
        if (self.protocol, self.host_port) != (other.protocol, other.host_port):
            return False
        return self.host_ip == other.host_ip or "0.0.0.0" in {self.host_ip, other.host_ip}  # noqa: S104  # compared, not bound


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where one holder (``c-<container id>``, ``w-<workspace id>``) is attached to a network."""

    holder: str
    network: str
    address: str
    prefix: int
    gateway: str
    mac: str
    veth: str
    """The host's end of the pair whose other end is ``eth0`` in the namespace."""
    ports: tuple[PortMapping, ...] = ()

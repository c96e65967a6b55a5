"""What a network, an endpoint and a published port are. No I/O."""

from typing import Literal, Self

import msgspec

Protocol = Literal["tcp", "udp"]

DEFAULT_NETWORK = "bridge"
"""The network of a container that names none; Docker's name for it."""
HOST_NETWORK = "host"
NO_NETWORK = "none"
PREDEFINED = (DEFAULT_NETWORK, HOST_NETWORK, NO_NETWORK)
CONTAINER_PREFIX = "container:"
"""How the mode of a container begins that uses another one's network."""

ANY_IPV4 = "0.0.0.0"  # noqa: S104  # compared and shown
ANY_IPV6 = "::"


class Pool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The addresses of a network, of one version of IP."""

    subnet: str
    """In CIDR notation, such as ``10.87.0.0/22``."""
    gateway: str
    """The bridge's own address."""
    ip_range: str = ""
    """The part of the subnet from which containers get addresses; empty for all of it."""
    auxiliary: dict[str, str] = {}
    """Addresses that no container gets: what is there already, by the user's names for it."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network behind a bridge of this host."""

    id: str
    """64 hexadecimal digits."""
    name: str
    bridge: str
    """Name of the bridge interface; at most 15 characters, as the kernel wants."""
    ipv4: Pool
    ipv6: Pool | None = None
    mtu: int
    """Largest packet in bytes."""
    created: int = 0
    """Nanoseconds since 1970; 0 for the default network, which comes and goes with its users."""
    state: Literal["creating", "ready", "removing"] = "ready"
    """Whoever is at work on one that isn't ready holds the network lock."""
    automatic: bool = True
    """The subnets were chosen here, so others do as well while nobody is attached."""
    internal: bool = False
    """No way out, and none in."""
    masquerade: bool = True
    """What leaves has the host's address."""
    icc: bool = True
    """Containers may talk to each other without a published port."""
    host_binding: str = ""
    """Address on which ports are published where the user names none; empty for the root's."""
    labels: dict[str, str] = {}
    options: dict[str, str] = {}
    """As given with ``--opt``."""

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_NETWORK

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def pools(self) -> tuple[Pool, ...]:
        """IPv4 first."""
        return (self.ipv4,) if self.ipv6 is None else (self.ipv4, self.ipv6)


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a container asks of one network that it is connected to."""

    network: str
    """Its name."""
    aliases: tuple[str, ...] = ()
    """Names on this network beside the container's own."""
    ip: str | None = None
    ip6: str | None = None
    mac: str | None = None
    interface: str = ""
    """Name of the interface in the container; ``eth0``, ``eth1``... where empty."""
    priority: int = 0
    """``gw-priority``: the network with the highest has the default route."""


class PortMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A port of the host that leads to a port of a container."""

    container_port: int
    host_port: int = 0
    """0 asks for any free port; never 0 once the endpoint exists."""
    host_ip: str = ""
    """The host's address that it is published on; empty for the configured one."""
    protocol: Protocol = "tcp"
    last_host_port: int = 0
    """Any free port from ``host_port`` to this one is asked for; 0 where it is one port."""

    @property
    def host(self) -> str:
        """``ADDRESS:PORT`` of the host, with the brackets that IPv6 needs."""
        address = f"[{self.host_ip}]" if ":" in self.host_ip else self.host_ip
        return f"{address}:{self.host_port}"

    def overlaps(self, other: Self) -> bool:
        """True where both claim the same port of the same address."""
        if (self.protocol, self.host_port) != (other.protocol, other.host_port):
            return False
        if (":" in self.host_ip) != (":" in other.host_ip):
            return False
        either = {self.host_ip, other.host_ip}
        return len(either) == 1 or not either.isdisjoint({ANY_IPV4, ANY_IPV6})


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where one holder (``c-<container id>``, ``w-<workspace id>``) is attached to a network."""

    holder: str
    network: str
    address: str
    prefix: int
    gateway: str
    mac: str
    veth: str
    """The host's end of the pair whose other end is in the namespace."""
    ports: tuple[PortMapping, ...] = ()
    interface: str = "eth0"
    """The end in the namespace."""
    address6: str = ""
    prefix6: int = 0
    gateway6: str = ""
    names: tuple[str, ...] = ()
    """By which others on the network find it; none on the default one."""
    nameservers: tuple[str, ...] = ()
    """Asked for what is no container's name, instead of the host's."""
    priority: int = 0
    """See :class:`Connection`."""
    pending: bool = False
    """It is being added to a container that runs, or removed from it, under the holder's lock."""

"""Networks, ports, names and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dockyard.cli.run_flags.declare import notation, parsed, several, switch
from dockyard.containers.options import Networking
from dockyard.errors import InvalidInput
from dockyard.networks.model import CONTAINER_PREFIX, DEFAULT_NETWORK, Connection, PortMapping


def _publish(text: str) -> tuple[PortMapping, ...]:
    from dockyard.networks.ports import parse_publish  # only where ports are published

    return parse_publish(text)


DECLARED = (
    several("--add-host", read=notation("parse_extra_host"),
            help="Add a custom host-to-IP mapping (host:ip)"),
    several("--dns", read=notation("parse_nameserver"), help="Set custom DNS servers"),
    several("--dns-option", "--dns-opt", help="Set DNS options"),
    several("--dns-search", help="Set custom DNS search domains"),
    several("--expose", read=notation("parse_expose"), help="Expose a port or a range of ports"),
    parsed("--ip", kind="ip", read=notation("parse_ipv4"),
           help="IPv4 address of the network"),
    parsed("--ip6", kind="ip", read=notation("parse_ipv6"),
           help="IPv6 address (e.g., 2001:db8::33)"),
    parsed("--mac-address", kind="string", read=notation("parse_mac"),
           help="Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    several("--network", "--net", kind="network", read=notation("parse_network"),
            help="Connect a container to a network: bridge, none, host, container:NAME, one of"
            " network create, or name=NETWORK,alias=,ip=,ip6=,mac-address=,gw-priority=,"
            "driver-opt="),
    several("--network-alias", "--net-alias", read=notation("parse_alias"),
            help="Add network-scoped alias for the container"),
    several("-p", "--publish", read=_publish, help="Publish a container's port(s) to the host"),
    switch("-P", "--publish-all", help="Publish all exposed ports to random ports"),
)  # fmt: skip

_ALIKE = {
    "aliases": "--network-alias and per-network alias",
    "ip": "--ip and per-network IPv4 address",
    "ip6": "--ip6 and per-network IPv6 address",
    "mac": "--mac-address and per-network MAC address",
}


def make(values: Mapping[str, Any]) -> Networking:
    """The networks asked for; ``--publish-all`` needs the image and comes later.

    Raises:
        InvalidInput: something is asked of the first network twice.
    """
    asked = list(values["network"]) or [(DEFAULT_NETWORK, Connection(network=DEFAULT_NETWORK))]
    mode, first = asked[0]
    given = {
        "aliases": values["network_alias"],
        "ip": values["ip"],
        "ip6": values["ip6"],
        "mac": values["mac_address"],
    }
    for field, value in given.items():
        if value and getattr(first, field):
            raise InvalidInput(
                f"conflicting options: cannot specify both {_ALIKE[field]}",
                hint="leave one out: both set the same of the first network",
                exit_code=125,
            )
    first = msgspec.structs.replace(first, **{key: each for key, each in given.items() if each})
    connections = (first, *(connection for _, connection in asked[1:]))
    plain = connections == (Connection(network=mode),)
    return Networking(
        network=mode,
        connections=None if plain and not mode.startswith(CONTAINER_PREFIX) else connections,
        ports=tuple(port for group in values["publish"] for port in group),
        exposed_ports=tuple(port for group in values["expose"] for port in group),
        extra_hosts=values["add_host"],
        dns=values["dns"],
        dns_options=values["dns_option"],
        dns_search=values["dns_search"],
    )

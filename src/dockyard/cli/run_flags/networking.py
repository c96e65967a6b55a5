"""Networks, ports, names and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard import arguments
from dockyard.cli.run_flags.declare import parsed, several, switch
from dockyard.containers.options import Networking
from dockyard.networks.model import PortMapping


def _publish(text: str) -> tuple[PortMapping, ...]:
    from dockyard.networks.ports import parse_publish  # only where ports are published

    return parse_publish(text)


DECLARED = (
    several("--add-host", read=arguments.parse_extra_host,
            help="Add a custom host-to-IP mapping (host:ip)"),
    several("--expose", read=arguments.parse_expose, help="Expose a port or a range of ports"),
    parsed("--network", "--net", kind="network", read=arguments.parse_network,
           help="Connect a container to a network: bridge, none or host (default bridge)"),
    several("-p", "--publish", read=_publish, help="Publish a container's port(s) to the host"),
    switch("-P", "--publish-all", help="Publish all exposed ports to random ports"),
)  # fmt: skip

NOT_YET: dict[str, str | None] = {
    "--dns-option=": None,
    "--dns-search=": None,
    "--dns=": None,
    "--ip6=": None,
    "--ip=": None,
    "--link-local-ip=": None,
    "--link=": None,
    "--mac-address=": None,
    "--network-alias=": None,
}


def make(values: Mapping[str, Any]) -> Networking:
    """The network asked for; ``--publish-all`` needs the image and comes later."""
    return Networking(
        network=values["network"] or "bridge",
        ports=tuple(port for group in values["publish"] for port in group),
        exposed_ports=tuple(port for group in values["expose"] for port in group),
        extra_hosts=values["add_host"],
    )

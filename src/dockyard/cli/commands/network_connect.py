"""``network connect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard import arguments
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option, whole_number

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network connect", "[OPTIONS] NETWORK CONTAINER")
@option("--alias", "aliases", multiple=True, metavar="strings",
        read=arguments.parse_alias,
        help="Add network-scoped alias for the container")  # fmt: skip
@option("--driver-opt", "interface", metavar="strings",
        read=arguments.parse_endpoint_option,
        help="com.docker.network.endpoint.ifname=NAME of the interface inside")  # fmt: skip
@option("--gw-priority", "priority", read=whole_number, default=0, metavar="int",
        help="Highest gw-priority provides the default gateway. Accepts positive and"
        " negative values.")  # fmt: skip
@option("--ip", metavar="ip", read=arguments.parse_ipv4,
        help="IPv4 address of the network")  # fmt: skip
@option("--ip6", metavar="ip", read=arguments.parse_ipv6,
        help="IPv6 address (e.g., 2001:db8::33)")  # fmt: skip
@argument("network")
@argument("container")
@with_engine
def command(
    engine: Engine,
    network: str,
    container: str,
    *,
    aliases: tuple[str, ...],
    interface: str | None,
    priority: int,
    ip: str | None,
    ip6: str | None,
) -> None:
    """Connects at once where the container runs, else at its next start."""
    engine.networks.connect(
        network, container, aliases=aliases, ip=ip, ip6=ip6, interface=interface or "",
        priority=priority,
    )  # fmt: skip

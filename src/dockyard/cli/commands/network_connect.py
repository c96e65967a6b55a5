"""``network connect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard import arguments
from dockyard.cli import options
from dockyard.cli.command import define, not_yet, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network connect", "[OPTIONS] NETWORK CONTAINER")
@click.option("--alias", "aliases", multiple=True, metavar="strings",
              callback=options.reads(arguments.parse_alias),
              help="Add network-scoped alias for the container")  # fmt: skip
@click.option("--driver-opt", "interface", metavar="strings",
              callback=options.reads(arguments.parse_endpoint_option),
              help="com.docker.network.endpoint.ifname=NAME of the interface inside")  # fmt: skip
@click.option("--gw-priority", "priority", type=int, default=0, metavar="int",
              help="Highest gw-priority provides the default gateway. Accepts positive and"
              " negative values.")  # fmt: skip
@click.option("--ip", metavar="ip", callback=options.reads(arguments.parse_ipv4),
              help="IPv4 address of the network")  # fmt: skip
@click.option("--ip6", metavar="ip", callback=options.reads(arguments.parse_ipv6),
              help="IPv6 address (e.g., 2001:db8::33)")  # fmt: skip
@not_yet({
    "--link=": "containers on one network find each other by name; --alias gives further ones",
    "--link-local-ip=": "addresses come from the network's subnets",
})  # fmt: skip
@click.argument("network")
@click.argument("container")
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

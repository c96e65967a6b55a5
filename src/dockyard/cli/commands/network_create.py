"""``network create``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network create", "[OPTIONS] NETWORK")
@option("--aux-address", "auxiliary", multiple=True, metavar="map",
        help="Addresses used by something else (NAME=ADDRESS)")  # fmt: skip
@option("-d", "--driver", default="bridge", metavar="string",
        help='Driver to manage the Network (only "bridge")')  # fmt: skip
@option("--gateway", "gateways", multiple=True, metavar="strings",
        help="IPv4 or IPv6 Gateway for the subnet")  # fmt: skip
@option("--internal", is_flag=True, help="Restrict external access to the network")
@option("--ip-range", "ip_ranges", multiple=True, metavar="strings",
        help="Allocate container ip from a sub-range")  # fmt: skip
@option("--ipv4", is_flag=True, default=True,
        help="Enable IPv4 address assignment (default true)")  # fmt: skip
@option("--ipv6", is_flag=True, help="Enable IPv6 address assignment")
@option("--label", "labels", multiple=True, metavar="list", help="Set metadata on a network")
@option("-o", "--opt", "entries", multiple=True, metavar="map",
        help="Set driver specific options: com.docker.network.bridge.name,"
        " .bridge.enable_ip_masquerade, .bridge.enable_icc, .bridge.host_binding_ipv4,"
        " com.docker.network.driver.mtu")  # fmt: skip
@option("--subnet", "subnets", multiple=True, metavar="strings",
        help="Subnet in CIDR format that represents a network segment")  # fmt: skip
@argument("name")
@with_engine
def command(
    engine: Engine,
    name: str,
    *,
    auxiliary: tuple[str, ...],
    driver: str,
    gateways: tuple[str, ...],
    internal: bool,
    ip_ranges: tuple[str, ...],
    ipv4: bool,
    ipv6: bool,
    labels: tuple[str, ...],
    entries: tuple[str, ...],
    subnets: tuple[str, ...],
) -> None:
    """Makes a network with a bridge of its own, and prints its id."""
    from dockyard import arguments

    if not ipv4:
        raise InvalidInput(
            "networks without IPv4 are not supported", hint="--ipv6 adds IPv6 to IPv4"
        )
    network = engine.networks.create(
        name,
        driver=driver,
        internal=internal,
        ipv6=ipv6,
        subnet=_split(subnets),
        gateway=_split(gateways),
        ip_range=_split(ip_ranges),
        auxiliary=_pairs(auxiliary, "--aux-address"),
        labels=dict(arguments.parse_label(label) for label in labels),
        options=_pairs(entries, "--opt"),
    )
    say(network.id)


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    """Docker takes several in one, with commas."""
    return tuple(each for value in values for each in value.split(","))


def _pairs(entries: tuple[str, ...], flag: str) -> dict[str, str]:
    found = dict(entry.partition("=")[::2] for entry in entries)
    if any("=" not in entry for entry in entries):
        raise InvalidInput(
            f"{flag} wants NAME=VALUE", hint=f"such as {flag} key=value", exit_code=125
        )
    return found

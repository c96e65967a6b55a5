"""Networks and endpoints as values, for tests of what is decided about them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from dockyard.networks import plan
from dockyard.networks.addresses import parse_subnet
from dockyard.networks.model import Connection, Endpoint, Network, Pool, PortMapping
from dockyard.networks.plan import Wish

ROOT = "0123abcd"
DEFAULT = plan.default_network(ROOT, parse_subnet("10.87.0.0/22"), 1400)


def made(name: str = "mine", **fields: object) -> Network:
    """A network that somebody made."""
    known: dict[str, object] = {
        "id": "feed" * 16, "name": name, "bridge": plan.bridge_name(ROOT, "feed"),
        "ipv4": Pool(subnet="10.9.0.0/24", gateway="10.9.0.1"), "mtu": 1500,
    }  # fmt: skip
    return msgspec.convert(known | fields, Network)


def wish(
    holder: str = "c-one", network: str = "bridge", ports: tuple[PortMapping, ...] = (),
    names: tuple[str, ...] = (), **asked: object,
) -> Wish:  # fmt: skip
    """What an endpoint to be is for."""
    connection = msgspec.convert({"network": network, **asked}, Connection)
    return Wish(
        holder=holder, connection=connection, veth=f"dv{holder}", interface="eth0", ports=ports,
        names=names,
    )  # fmt: skip


def endpoint(
    holder: str = "c-one", *, on: Network = DEFAULT, beside: Collection[Endpoint] = (),
    ports: tuple[PortMapping, ...] = (), names: tuple[str, ...] = (), **asked: object,
) -> Endpoint:  # fmt: skip
    """An endpoint on a network."""
    return plan.make_endpoint(on, beside, wish(holder, on.name, ports, names, **asked))

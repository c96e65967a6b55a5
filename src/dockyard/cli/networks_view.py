"""Networks as the rows of ``network ls`` and the documents of ``network inspect``. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from dockyard.cli.filters import has_label, matches, truth
from dockyard.cli.labelled import LabelledRow
from dockyard.cli.units import timestamp
from dockyard.containers.model import Container
from dockyard.errors import InvalidInput
from dockyard.networks.model import PREDEFINED, Endpoint, Network, Pool
from dockyard.networks.plan import fixed_id

Document = dict[str, Any]

TITLES = {
    "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4",
    "IPv6": "IPV6", "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT",
}  # fmt: skip
COLUMNS = ("ID", "Name", "Driver", "Scope")
LS_FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")
PRUNE_FILTERS = ("label", "label!", "until")
_DRIVERS = {"host": "host", "none": "null"}


def row(network: Network, *, cut: bool) -> LabelledRow:
    """The fields of one network."""
    fields = {
        "ID": network.short_id if cut else network.id,
        "Name": network.name,
        "Driver": driver(network),
        "Scope": "local",
        "IPv4": _truth(network.name not in _DRIVERS),
        "IPv6": _truth(network.ipv6 is not None),
        "Internal": _truth(network.internal),
        "CreatedAt": timestamp(network.created),
    }
    return LabelledRow(fields, network.labels)


def driver(network: Network) -> str:
    """Docker's name for the kind of network."""
    return _DRIVERS.get(network.name, "bridge")


def document(network: Network, members: Iterable[tuple[Container, Endpoint]]) -> Document:
    """What Docker says of a network."""
    pools = [pool for pool in network.pools if pool.subnet]
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": timestamp(network.created),
        "Scope": "local",
        "Driver": driver(network),
        "EnableIPv4": network.name not in _DRIVERS,
        "EnableIPv6": network.ipv6 is not None,
        "IPAM": {"Driver": "default", "Options": {}, "Config": [_pool(pool) for pool in pools]},
        "Internal": network.internal,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {one.id: _member(one, endpoint) for one, endpoint in members},
        "Options": _options(network),
        "Labels": dict(sorted(network.labels.items())),
    }


def _pool(pool: Pool) -> Document:
    document: Document = {"Subnet": pool.subnet, "Gateway": pool.gateway}
    if pool.ip_range:
        document["IPRange"] = pool.ip_range
    if pool.auxiliary:
        document["AuxiliaryAddresses"] = dict(pool.auxiliary)
    return document


def _member(container: Container, endpoint: Endpoint) -> Document:
    ipv6 = f"{endpoint.address6}/{endpoint.prefix6}" if endpoint.address6 else ""
    return {
        "Name": container.name,
        "EndpointID": endpoint_id(endpoint),
        "MacAddress": endpoint.mac,
        "IPv4Address": f"{endpoint.address}/{endpoint.prefix}",
        "IPv6Address": ipv6,
    }


def endpoint_id(endpoint: Endpoint) -> str:
    """64 hexadecimal digits for what has no other name than its interface's."""
    return fixed_id(endpoint.veth, endpoint.network)


def _options(network: Network) -> dict[str, str]:
    if not network.is_default:
        return dict(network.options)
    return {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": _truth(network.icc),
        "com.docker.network.bridge.enable_ip_masquerade": _truth(network.masquerade),
        "com.docker.network.bridge.name": network.bridge,
        "com.docker.network.driver.mtu": str(network.mtu),
    }


def networks_of(
    container: Container, endpoints: Sequence[Endpoint], names: Sequence[str]
) -> Document:
    """The ``NetworkSettings.Networks`` of a container.

    Args:
        endpoints: where it is attached; none while it doesn't run.
        names: the networks that it is on then.
    """
    here = {each.network: each for each in endpoints}
    every = list(dict.fromkeys([*names, *here]))
    return {name: _settings(container, name, here.get(name)) for name in every}


def _settings(container: Container, name: str, endpoint: Endpoint | None) -> Document:
    asked = next(
        (each for each in container.options.networking.connections or () if each.network == name),
        None,
    )
    fixed = {"IPv4Address": asked.ip, "IPv6Address": asked.ip6} if asked else {}
    fixed = {key: value for key, value in fixed.items() if value}
    return {
        "IPAMConfig": fixed or None,
        "Links": None,
        "Aliases": list(asked.aliases) if asked and asked.aliases else None,
        "DriverOpts": None,
        "GwPriority": asked.priority if asked else 0,
        "EndpointID": endpoint_id(endpoint) if endpoint else "",
        "Gateway": endpoint.gateway if endpoint else "",
        "IPAddress": endpoint.address if endpoint else "",
        "IPPrefixLen": endpoint.prefix if endpoint else 0,
        "IPv6Gateway": endpoint.gateway6 if endpoint else "",
        "GlobalIPv6Address": endpoint.address6 if endpoint else "",
        "GlobalIPv6PrefixLen": endpoint.prefix6 if endpoint else 0,
        "MacAddress": endpoint.mac if endpoint else "",
        "DNSNames": list(endpoint.names) or None if endpoint else None,
    }


def select(
    networks: Iterable[Network],
    filters: Sequence[tuple[str, str]],
    used: Collection[str],
    before: int | None = None,
) -> list[Network]:
    """Networks that fit: one value of each kind is enough, but for labels, which all must fit.

    Args:
        used: names of those that containers are on.
        before: nanoseconds since 1970 for the filter ``until``.

    Raises:
        InvalidInput: a value that the filter doesn't know.
    """
    chosen = list(networks)
    for kind in sorted({key for key, _ in filters}):
        values = [value for key, value in filters if key == kind]
        chosen = [one for one in chosen if _fits(one, kind, values, used, before)]
    return chosen


def _fits(
    network: Network, kind: str, values: Sequence[str], used: Collection[str], before: int | None
) -> bool:
    match kind:
        case "driver":
            return driver(network) in values
        case "scope":
            return "local" in values
        case "id":
            return any(network.id.startswith(value) for value in values)
        case "name":
            return any(matches(value, network.name) for value in values)
        case "type":
            return any(_is_type(network, value) for value in values)
        case "dangling":
            return any(_is_dangling(network, value, used) for value in values)
        case "until":
            return before is None or network.created < before
        case "label!":
            return not any(has_label(network.labels, value) for value in values)
    return all(has_label(network.labels, value) for value in values)


def _is_type(network: Network, value: str) -> bool:
    if value not in {"custom", "builtin"}:
        raise InvalidInput(f"invalid filter: 'type'='{value}'", hint="custom or builtin")
    return (network.name in PREDEFINED) == (value == "builtin")


def _is_dangling(network: Network, value: str, used: Collection[str]) -> bool:
    dangling = network.name not in PREDEFINED and network.name not in used
    return dangling == truth("dangling", value)


def _truth(value: bool) -> str:  # one value to text
    return "true" if value else "false"

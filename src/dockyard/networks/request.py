"""From what ``network create`` was asked for to a network. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks import plan
from dockyard.networks.addresses import (
    IPV4_BITS,
    IPV6_BITS,
    Subnet,
    is_address,
    is_ipv6,
    parse_subnet,
    to_number,
)
from dockyard.networks.model import PREDEFINED, Network, Pool
from dockyard.oci.booleans import parse_go_boolean

_PREFIX = "com.docker.network."
_BRIDGE_OPTIONS = {
    "bridge.name": "bridge",
    "driver.mtu": "mtu",
    "bridge.enable_ip_masquerade": "masquerade",
    "bridge.enable_icc": "icc",
    "bridge.host_binding_ipv4": "host_binding",
}
_VALUES = {
    "bridge": "at most 15 letters, digits, '_', '.' and '-'",
    "mtu": "a number of bytes from 68 to 65535",
    "masquerade": "true or false",
    "icc": "true or false",
    "host_binding": "an IPv4 address of this host",
}
"""What each field takes, in words."""
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_INTERFACE_NAME = 15
_MTU = range(68, 65536)
_OTHER_DRIVERS = {
    "overlay": "it joins several machines, and Dockyard works on one",
    "macvlan": "publish ports, or use --network host for a place in the host's own network",
    "ipvlan": "publish ports, or use --network host for a place in the host's own network",
}


class NetworkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``network create``, as given."""

    name: str
    driver: str = "bridge"
    internal: bool = False
    ipv6: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ip_ranges: tuple[str, ...] = ()
    auxiliary: dict[str, str] = {}
    labels: dict[str, str] = {}
    options: dict[str, str] = {}


def check(request: NetworkRequest) -> None:
    """Looks at all that can be wrong without a look at the host.

    Raises:
        InvalidInput, NotSupported: in Docker's words where it has some.
    """
    _check_name(request.name)
    if request.driver != "bridge":
        raise NotSupported(
            f"network driver {request.driver} is not supported",
            hint=_OTHER_DRIVERS.get(request.driver, "the driver is bridge"),
        )
    settings(request.options)
    subnets = [_subnet(text, "subnet") for text in request.subnets]
    _check_subnets(subnets, ipv6=request.ipv6)
    for text in request.gateways:
        _require_owner(subnets, text, "no matching subnet for gateway")
    for text in request.auxiliary.values():
        _require_owner(subnets, text, "no matching subnet for aux-address")
    for text in request.ip_ranges:
        area = _subnet(text, "ip-range")
        if not any(subnet.holds(area) for subnet in subnets):
            raise InvalidInput(
                f"no matching subnet for range {text}", hint="give the --subnet that has it, too"
            )


def _check_subnets(subnets: Sequence[Subnet], *, ipv6: bool) -> None:
    for index, subnet in enumerate(subnets):
        if any(subnet.overlaps(other) for other in subnets[:index]):
            raise InvalidInput(
                "multiple overlapping subnet configuration is not supported",
                hint="give one --subnet for IPv4, and one for IPv6",
            )
    for bits in (IPV4_BITS, IPV6_BITS):
        if sum(subnet.bits == bits for subnet in subnets) > 1:
            raise NotSupported(
                "bridge driver doesn't support multiple subnets",
                hint="give one --subnet for IPv4, and one for IPv6",
            )
    if any(subnet.bits == IPV6_BITS for subnet in subnets) and not ipv6:
        raise InvalidInput("an IPv6 --subnet needs --ipv6", hint="add --ipv6")


def _require_owner(subnets: Sequence[Subnet], text: str, message: str) -> None:
    if not is_address(text):
        raise InvalidInput(
            f"invalid IP address: {text}",
            hint="an IPv4 or IPv6 address of the subnet",
        )
    if not any(subnet.has(text) for subnet in subnets):
        raise InvalidInput(f"{message} {text}", hint="give the --subnet that has it, too")


def _check_name(name: str) -> None:
    if not name or name[0] in "_.-" or not _NAME_CHARACTERS.issuperset(name) or len(name) > 255:
        raise InvalidInput(
            f"invalid network name {name!r}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
            hint="such as my-network",
        )
    if name in PREDEFINED or name == "default":
        raise InvalidInput(
            f"operation is not permitted on predefined {name} network",
            hint="choose another name; this one is there already",
        )


def _subnet(text: str, what: str) -> Subnet:
    """A block of addresses by its first one, as Docker 28 wants it: a slip in it is found so."""
    try:
        subnet = parse_subnet(text)
    except ValueError:
        raise InvalidInput(f"invalid CIDR address: {text}", hint="such as 10.20.0.0/16") from None
    address, _, length = text.partition("/")
    if to_number(address) != subnet.base:
        first = subnet.text_of(subnet.base)
        raise InvalidInput(
            f"invalid {what} {text}: it should be {subnet}",
            hint=f"--{what} {first}/{length}",
        )
    if subnet.bits - subnet.prefix < 2:
        raise InvalidInput(
            f"the subnet {text} has no room for containers",
            hint="a prefix of at most /30, such as 10.20.0.0/24",
        )
    return subnet


def settings(options: Mapping[str, str]) -> dict[str, object]:
    """The network's fields that ``--opt`` sets.

    Raises:
        NotSupported: an option without effect here.
        InvalidInput: a value that makes no sense.
    """
    found: dict[str, object] = {}
    for key, value in options.items():
        field = _BRIDGE_OPTIONS.get(key.removeprefix(_PREFIX)) if key.startswith(_PREFIX) else None
        if field is None:
            raise NotSupported(
                f"network option {key} is not supported",
                hint=f"there are {', '.join(_PREFIX + name for name in _BRIDGE_OPTIONS)}",
            )
        found[field] = _value(field, key, value)
    return found


def _value(field: str, key: str, value: str) -> object:
    truth = parse_go_boolean(value)
    if field in {"masquerade", "icc"} and truth is not None:
        return truth
    if field == "mtu" and value.isascii() and value.isdecimal() and int(value) in _MTU:
        return int(value)
    if field == "host_binding" and is_address(value) and not is_ipv6(value):
        return value
    if field == "bridge" and _is_interface_name(value):
        return value
    raise InvalidInput(f"invalid value {value!r} for network option {key}", hint=_VALUES[field])


def _is_interface_name(text: str) -> bool:
    return 0 < len(text) <= _INTERFACE_NAME and _NAME_CHARACTERS.issuperset(text) and text not in {
        ".", "..",
    }  # fmt: skip


def make(
    request: NetworkRequest, network_id: str, root_hash: str, used: Collection[Subnet], *, mtu: int
) -> Network:
    """The network, with subnets that are free where the user named none.

    Args:
        used: what the host routes, and the subnets of the other networks.

    Raises:
        Conflict: a subnet is taken, or none is free.
    """
    given = {parse_subnet(text).bits: text for text in request.subnets}
    ipv4 = (
        _pool(request, given[IPV4_BITS])
        if IPV4_BITS in given
        else plan.pool_of(plan.choose_subnet(used))
    )
    ipv6 = None
    if IPV6_BITS in given:
        ipv6 = _pool(request, given[IPV6_BITS])
    elif request.ipv6:
        ipv6 = plan.pool_of(plan.choose_subnet6(root_hash, used))
    network = Network(
        id=network_id,
        name=request.name,
        bridge=plan.bridge_name(root_hash, network_id),
        ipv4=ipv4,
        ipv6=ipv6,
        mtu=mtu,
        automatic=not request.subnets,
        internal=request.internal,
        labels=request.labels,
        options=request.options,
    )
    network = msgspec.structs.replace(network, **settings(request.options))
    if request.subnets:
        plan.require_free(network, used)
    return network


def _pool(request: NetworkRequest, text: str) -> Pool:
    subnet = parse_subnet(text)
    gateway = next((each for each in request.gateways if subnet.has(each)), None)
    return Pool(
        subnet=str(subnet),
        gateway=gateway or subnet.text_of(subnet.base + 1),
        ip_range=next((each for each in request.ip_ranges if subnet.holds(parse_subnet(each))), ""),
        auxiliary={key: each for key, each in request.auxiliary.items() if subnet.has(each)},
    )

"""Networks and what belongs to them: names, addresses, ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dockyard.arguments.errors import invalid
from dockyard.containers.options import NetworkMode
from dockyard.decoding import natural
from dockyard.errors import NotSupported
from dockyard.networks.addresses import is_address, is_ipv6
from dockyard.networks.model import DEFAULT_NETWORK, Connection
from dockyard.networks.spelling import is_name, is_word

HOST_GATEWAY = "host-gateway"
"""In place of an address: the host, as the container reaches it."""
_PORTS = 1 << 16
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_HEX = frozenset("0123456789abcdef")
_INTERFACE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_INTERFACE_OPTION = "com.docker.network.endpoint.ifname"
_INTERFACE_LENGTH = 15


def parse_network(text: str) -> tuple[NetworkMode, Connection]:
    """One ``--network``: a mode or a network's name, or ``name=NETWORK,alias=...,ip=...``.

    Raises:
        InvalidInput: an unknown key, or a value that makes no sense.
        NotSupported: what of Docker's is not there.
    """
    if not _is_long(text):
        name = _network_name(text)
        return name, Connection(network=name)
    fields: dict[str, str] = {}
    aliases: list[str] = []
    for entry in text.split(","):
        key, _, value = entry.partition("=")
        if key == "alias":
            aliases.append(parse_alias(value))
        elif key == "driver-opt":
            fields["interface"] = parse_endpoint_option(value)
        elif key in _KEYS:
            fields[_KEYS[key][0]] = _KEYS[key][1](value)
        elif key == "link-local-ip":
            raise NotSupported(
                "link-local addresses are not supported",
                hint="addresses come from the network's subnets: --ip names one",
                exit_code=125,
            )
        else:
            raise invalid(f"invalid network option: {key}", f"there are {', '.join(_KEYS)}, alias,"
                          " driver-opt")  # fmt: skip
    if "network" not in fields:
        raise invalid(f"network name is missing: {text}", "name=NETWORK,alias=NAME,...")
    priority = int(fields.pop("priority", "0"))
    connection = Connection(aliases=tuple(aliases), priority=priority, **fields)
    return connection.network, connection


def _is_long(text: str) -> bool:
    key, equals, _ = text.partition("=")
    return bool(equals) and key.replace("-", "").isalnum()


def _network_name(text: str) -> str:
    if not text:
        raise invalid("network name is empty", "bridge, none, host, container:NAME or a network")
    return DEFAULT_NETWORK if text == "default" else text


def parse_alias(text: str) -> str:
    """A name on a network: letters, digits, dots, dashes and underscores."""
    if not is_name(text):
        raise invalid(f"invalid network alias: {text!r}", "letters, digits, '.', '-' and '_'")
    return text


def parse_mac(text: str) -> str:
    """A hardware address of six bytes, in lower case with colons.

    Raises:
        InvalidInput: it is none, or one of a group.
    """
    parts = text.lower().replace("-", ":").split(":")
    if len(parts) != 6 or not all(len(p) == 2 and _HEX.issuperset(p) for p in parts):
        raise invalid(f"{text} is not a valid mac address", "such as 02:42:ac:11:00:02")
    if int(parts[0], 16) & 1:
        raise invalid(
            f"{text} is the address of a group, not of one interface",
            hint="the second digit has to be even, such as 02:42:ac:11:00:02",
        )
    return ":".join(parts)


def parse_ipv4(text: str) -> str:
    """An address for ``--ip``."""
    if not is_address(text) or is_ipv6(text):
        raise invalid(f"invalid IPv4 address: {text}", hint="four numbers with dots")
    return text


def parse_ipv6(text: str) -> str:
    """An address for ``--ip6``."""
    if not is_address(text) or not is_ipv6(text):
        raise invalid(f"invalid IPv6 address: {text}", hint="such as fd00::5")
    return text


def parse_nameserver(text: str) -> str:
    """An address for ``--dns``."""
    if not is_address(text):
        raise invalid(f"{text} is not an ip address", hint="an IPv4 or IPv6 address")
    return text


def parse_priority(text: str) -> str:
    """A whole number, as text."""
    if natural(text.removeprefix("-")) is None:
        raise invalid(f"invalid gw-priority: {text}", hint="a whole number, such as 10 or -1")
    return text


def parse_endpoint_option(text: str) -> str:
    """``--driver-opt`` of a connection: the interface's name is the one there is."""
    key, _, value = text.partition("=")
    if key != _INTERFACE_OPTION:
        raise NotSupported(
            f"endpoint option {key} is not supported",
            hint=f"there is {_INTERFACE_OPTION}; kernel settings are set by --sysctl",
            exit_code=125,
        )
    if not value or len(value) > _INTERFACE_LENGTH or not _INTERFACE.issuperset(value):
        raise invalid(f"invalid interface name: {value!r}", "at most 15 letters and digits")
    return value


_KEYS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "name": ("network", _network_name),
    "ip": ("ip", parse_ipv4),
    "ip6": ("ip6", parse_ipv6),
    "mac-address": ("mac", parse_mac),
    "gw-priority": ("priority", parse_priority),
}
"""Keys of the long form: the connection's field, and what reads its value."""


def parse_extra_host(text: str) -> str:
    """``--add-host``: ``NAME:ADDRESS`` or ``NAME=ADDRESS``, brought into the first form.

    The address is IPv4 or IPv6 (with or without brackets), or ``host-gateway``.
    """
    name, separator, address = text.partition("=" if "=" in text else ":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if not (name and separator and address) or not is_word(name):
        raise invalid(f"bad format for add-host: {text!r}", "NAME:ADDRESS")
    if address != HOST_GATEWAY and not is_address(address):
        raise invalid(
            f'invalid IP address in add-host: "{address}"',
            hint=f"an IPv4 or IPv6 address, or {HOST_GATEWAY}",
        )
    return f"{name}:{address}"


def parse_expose(text: str) -> tuple[str, ...]:
    """``--expose``: ``PORT[-LAST][/PROTOCOL]``, as ``PORT/PROTOCOL`` each."""
    ports, _, protocol = text.partition("/")
    first, dash, last = ports.partition("-")
    begin, end = natural(first, _PORTS - 1), natural(last if dash else first, _PORTS - 1)
    if not begin or not end or end < begin or (protocol or "tcp") not in _PROTOCOLS:
        raise invalid(f"invalid range format for --expose: {text}", "such as 8000 or 8000-8010/tcp")
    return tuple(f"{number}/{protocol or 'tcp'}" for number in range(begin, end + 1))

"""Networks and what belongs to them: names, addresses, ports."""

from __future__ import annotations

from typing import cast

from dockyard.arguments.errors import invalid
from dockyard.containers.options import NetworkMode
from dockyard.errors import NotSupported

HOST_GATEWAY = "host-gateway"
"""In place of an address: the host, as the container reaches it."""
_PORTS = 1 << 16
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_NETWORKS = ("bridge", "none", "host")


def parse_network(text: str) -> NetworkMode:
    """A network's name.

    Raises:
        NotSupported: any network but ``bridge``, ``none`` and ``host``.
    """
    name = "bridge" if text == "default" else text
    if name in _NETWORKS:
        return cast("NetworkMode", name)
    raise NotSupported(
        f"network {text} is not supported yet",
        hint=f"networks are {', '.join(_NETWORKS)}",
        exit_code=125,
    )


def parse_extra_host(text: str) -> str:
    """``--add-host``: ``NAME:ADDRESS`` or ``NAME=ADDRESS``, brought into the first form.

    The address is IPv4 or IPv6 (with or without brackets), or ``host-gateway``.
    """
    name, separator, address = text.partition("=" if "=" in text else ":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if not (name and separator and address) or any(map(str.isspace, name)):
        raise invalid(f'bad format for add-host: "{text}"', "NAME:ADDRESS")
    if address != HOST_GATEWAY and not _is_address(address):
        raise invalid(f'invalid IP address in add-host: "{address}"')
    return f"{name}:{address}"


def parse_expose(text: str) -> tuple[str, ...]:
    """``--expose``: ``PORT[-LAST][/PROTOCOL]``, as ``PORT/PROTOCOL`` each."""
    ports, _, protocol = text.partition("/")
    first, dash, last = ports.partition("-")
    numbers = [first, last if dash else first]
    if not all(number.isdecimal() and 0 < int(number) < _PORTS for number in numbers):
        raise invalid(f"invalid range format for --expose: {text}", "such as 8000 or 8000-8010/tcp")
    if int(numbers[1]) < int(numbers[0]) or (protocol or "tcp") not in _PROTOCOLS:
        raise invalid(f"invalid range format for --expose: {text}", "such as 8000 or 8000-8010/tcp")
    return tuple(
        f"{number}/{protocol or 'tcp'}" for number in range(int(numbers[0]), int(numbers[1]) + 1)
    )


def _is_address(text: str) -> bool:
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except OSError:
            continue
        return True
    return False

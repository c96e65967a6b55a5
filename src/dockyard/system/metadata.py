"""Where clouds give out a machine's credentials, however the place is spelled. Pure."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from dockyard.errors import HostileInput

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PLACES: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",
            "fe80::/10",
            "fd00:ec2::254/128",  # Amazon
            "fd20:ce::254/128",  # Google
            "fd00:c1::a9fe:a9fe/128",  # Oracle, as the next
            "192.0.0.192/32",
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure
        ),
    )
)
_NAMES: Final = frozenset({
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data",
    "instance-data.ec2.internal", "metadata.tencentyun.com",
})  # fmt: skip
_WITH_IPV4: Final = tuple(
    map(ipaddress.ip_network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))
)
"""Addresses that end with one of IPv4: compatible, mapped, translated (NAT64)."""
_IDEOGRAPHIC_STOP: Final = "\u3002"
"""A dot for whoever looks names up; NFKC leaves it."""


def is_metadata(host: str) -> bool:
    """True for a name or number at which clouds give out a machine's credentials.

    Numbers are taken in every notation that curl and the C library take: ``2852039166``,
    ``0xa9fea9fe``, ``169.254.43518``, octal, percent signs, digits of other scripts.
    """
    name = unicodedata.normalize("NFKC", unquote(host)).replace(_IDEOGRAPHIC_STOP, ".")
    name = name.lower().strip("[]").partition("%")[0].rstrip(".")
    if name in _NAMES:
        return True
    address = _address(name)
    if address is None:
        return False
    return any(form in place for form in _forms(address) for place in _PLACES
               if form.version == place.version)  # fmt: skip


def refused(shown: str) -> HostileInput:
    """The error for such a place."""
    return HostileInput(
        f"{shown} is the address of a cloud's metadata service",
        hint="nothing is fetched from there: it gives away the credentials of this machine",
        reference="metadata-address",
    )


def _address(name: str) -> _Address | None:
    try:
        if ":" in name:
            return ipaddress.IPv6Address(name)
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (ValueError, OSError):
        return None


def _forms(address: _Address) -> Iterator[_Address]:
    """The address, and that of IPv4 in it."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if any(address in each for each in _WITH_IPV4):
        yield ipaddress.IPv4Address(address.packed[-4:])
    if address.sixtofour is not None:
        yield address.sixtofour

"""Ports written short: ``8080``, ``8000-8003:80-83``, ``127.0.0.1:8080:80/udp``."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

import msgspec

_PROTOCOLS: Final = ("tcp", "udp", "sctp")
_MOST: Final = 2**16 - 1
_NUMBER: Final = re.compile(r"[0-9]+")


class _Range(msgspec.Struct, frozen=True):
    first: int
    last: int

    @property
    def more(self) -> int:
        return self.last - self.first


def parse_ports(text: str) -> list[dict[str, Any]]:
    """The ports of a short form, in their long form, sorted as texts.

    Raises:
        ValueError: it is none; the message says why.
    """
    address, published, rest = _parts(text)
    target, protocol = _protocol(rest)
    if protocol not in _PROTOCOLS:
        raise ValueError(f"{protocol!r} is no protocol: tcp, udp and sctp are")
    host = _host(address)
    if not target:
        raise ValueError("the container's port is missing")
    inside = _range(target, "the container's port")
    outside = _range(published, "the published port") if published else None
    if outside is not None and inside.more not in {0, outside.more}:
        raise ValueError(f"{published} and {target} have different lengths")
    found = {
        f"{number}/{protocol}": _port(host, number, _published(outside, inside, number), protocol)
        for number in range(inside.first, inside.last + 1)
    }
    return [found[key] for key in sorted(found)]


def is_address(text: str) -> bool:
    """True for an IPv4 or IPv6 address without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _parts(text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) == 1:
        return "", "", text
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def _protocol(text: str) -> tuple[str, str]:
    port, *rest = text.split("/")
    if not port:
        return "", "tcp"
    return port, (rest[0].lower() if rest and rest[0] else "tcp")


def _host(address: str) -> str:
    bare = address
    if address.startswith("["):
        bare = address[1:-1] if address.endswith("]") else ""
    if address and not is_address(bare):
        raise ValueError(f"{address!r} is no address")
    return bare


def _range(text: str, what: str) -> _Range:
    start, dash, end = text.partition("-")
    if not dash:
        end = start
    for number in (start, end):
        if not _NUMBER.fullmatch(number) or int(number) > _MOST:
            raise ValueError(f"{what} {text!r} is neither a port nor a range such as 8000-8010")
    if int(end) < int(start):
        raise ValueError(f"{what} {text!r} ends before it begins")
    return _Range(int(start), int(end))


def _published(outside: _Range | None, inside: _Range, number: int) -> str:
    """The published port of one in the container; a range where any of several will do."""
    if outside is None:
        return ""
    if inside.more == 0 and outside.more:
        return f"{outside.first}-{outside.last}"
    return str(outside.first + number - inside.first)


def _port(host: str, target: int, published: str, protocol: str) -> dict[str, Any]:
    return {
        "mode": "ingress",
        **({"host_ip": host} if host else {}),
        "target": target,
        **({"published": published} if published else {}),
        "protocol": protocol,
    }

"""A container's ports as ``ps``, ``port`` and ``inspect`` show them, and its filters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dockyard.containers import spec_network
from dockyard.containers.model import Container
from dockyard.decoding import natural
from dockyard.networks.model import PortMapping

_LAST_PORT = 65535


class Port(msgspec.Struct, frozen=True):
    """A port of a running container, as Docker lists it."""

    number: int
    """Inside the container."""
    protocol: str
    address: str = ""
    """The host's address that it is published on; empty where it is only exposed."""
    host_port: int = 0
    """The host's port; 0 where it is only exposed."""


def listed(published: Iterable[PortMapping], exposed: Iterable[str] = ()) -> tuple[Port, ...]:
    """Published ports, and those of ``PORT[/PROTOCOL]`` that aren't published."""
    ports = [
        Port(one.container_port, one.protocol, one.host_ip, one.host_port) for one in published
    ]
    taken = {(one.number, one.protocol) for one in ports}
    for text in exposed:
        digits, _, protocol = text.partition("/")
        key = (natural(digits, _LAST_PORT) or 0, protocol or "tcp")
        if key[0] and key not in taken:
            taken.add(key)
            ports.append(Port(*key))
    return tuple(ports)


def exposed(container: Container, image: Iterable[str]) -> tuple[str, ...]:
    """``PORT[/PROTOCOL]`` that a container exposes while it runs; ``image`` has its image's.

    None where it has no network of its own, as with Docker.
    """
    networking = container.options.networking
    if not (container.running and spec_network.is_bridged(networking)):
        return ()
    return (*image, *networking.exposed_ports)


def text(ports: Iterable[Port]) -> str:
    """The column PORTS: ``0.0.0.0:8000-8002->8000-8002/tcp, 443/tcp, 0.0.0.0:8080->80/tcp``.

    Neighbours make a range where the host's number is the container's, or where they are only
    exposed. The order is Docker's: ranges as they end, then those that go on to the end, then
    ports that are published by another number.
    """
    done: list[str] = []
    other: list[str] = []
    groups: dict[tuple[str, str], tuple[int, int]] = {}
    for one in sorted(ports, key=lambda p: (p.number, p.address, p.host_port, p.protocol)):
        if one.address and one.host_port != one.number:
            other.append(f"{_host(one.address)}:{one.host_port}->{one.number}/{one.protocol}")
            continue
        key = (one.address, one.protocol)
        first, last = groups.get(key, (one.number, one.number - 1))
        if one.number != last + 1:
            done.append(_range(*key, first, last))
            first = one.number
        groups[key] = (first, one.number)
    going = [_range(*key, *ends) for key, ends in groups.items()]
    return ", ".join([*done, *going, *other])


def _range(address: str, protocol: str, first: int, last: int) -> str:
    numbers = str(first) if first == last else f"{first}-{last}"
    place = f"{_host(address)}:{numbers}->" if address else ""
    return f"{place}{numbers}/{protocol}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def lines(published: Iterable[PortMapping]) -> list[PortMapping]:
    """In the order of ``port``: by container port, protocol, address as text, and host port."""
    return sorted(
        published,
        key=lambda one: (one.container_port, one.protocol, _host(one.host_ip), one.host_port),
    )


def reached(ports: Sequence[Port], publish: set[str], expose: set[str]) -> bool:
    """True where a port is published by one of the host's ports, or is one inside.

    Either is enough where both filters are given, as with Docker. All are ``PORT/PROTOCOL``.
    """
    return any(
        f"{one.host_port}/{one.protocol}" in publish or f"{one.number}/{one.protocol}" in expose
        for one in ports
    )


def bindings(ports: Iterable[Port]) -> dict[str, list[dict[str, str]] | None]:
    """``NetworkSettings.Ports``: by container port, ``None`` where one is only exposed."""
    found: dict[str, list[dict[str, str]] | None] = {}
    ordered = sorted(ports, key=lambda one: (one.host_port, ":" in one.address, one.address))
    for one in ordered:
        key = f"{one.number}/{one.protocol}"
        if not one.address:
            found.setdefault(key, None)
            continue
        places = found.get(key) or []
        found[key] = [*places, {"HostIp": one.address, "HostPort": str(one.host_port)}]
    return dict(sorted(found.items()))


def wanted(ports: Iterable[PortMapping]) -> dict[str, list[dict[str, str]]]:
    """``HostConfig.PortBindings``: what was asked for, in the order of the command line."""
    found: dict[str, list[dict[str, str]]] = {}
    for one in ports:
        first = str(one.host_port) if one.host_port else ""
        port = f"{first}-{one.last_host_port}" if one.last_host_port else first
        found.setdefault(f"{one.container_port}/{one.protocol}", []).append(
            {"HostIp": one.host_ip, "HostPort": port}
        )
    return dict(sorted(found.items()))

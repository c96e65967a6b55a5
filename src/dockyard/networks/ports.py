"""The grammar of ``-p``: Docker's forms of publishing a port. Pure."""

from __future__ import annotations

from typing import cast

from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.addresses import is_address, is_ipv6
from dockyard.networks.model import PortMapping, Protocol

_FORM = "[HOST_IP:][HOST_PORT:]CONTAINER_PORT[/tcp|udp], ports may be ranges such as 8000-8003"


def parse_publish(text: str) -> tuple[PortMapping, ...]:
    """Reads one ``-p`` value; a range yields one mapping a port.

    ``8000`` (any free host port), ``8000:80``, ``127.0.0.1:8000:80``, ``127.0.0.1::80``,
    ``[::1]:8000:80``, ``8000-8003:80-83``, ``8000-8010:80`` (the first that is free), each with
    ``/tcp`` or ``/udp``.

    Raises:
        InvalidInput: it has none of these forms.
        NotSupported: it asks for SCTP.
    """
    rest, protocol = _split_protocol(text)
    host_ip, host, container = _split_parts(text, rest)
    first, last = _parse_range(container, "containerPort", text)
    if not host:
        return tuple(
            PortMapping(container_port=port, host_ip=host_ip, protocol=protocol)
            for port in range(first, last + 1)
        )
    host_first, host_last = _parse_range(host, "hostPort", text)
    if first == last and host_last > host_first:
        return (
            PortMapping(
                container_port=first, host_port=host_first, last_host_port=host_last,
                host_ip=host_ip, protocol=protocol,
            ),
        )  # fmt: skip
    if host_last - host_first != last - first:
        raise _invalid(
            "invalid ranges specified for container and host Ports:"
            f" {container} and {host}", text,
        )  # fmt: skip
    return tuple(
        PortMapping(
            container_port=first + i, host_port=host_first + i, host_ip=host_ip, protocol=protocol
        )
        for i in range(last - first + 1)
    )


def _split_protocol(text: str) -> tuple[str, Protocol]:
    rest, slash, protocol = text.partition("/")
    name = protocol.lower() if slash else "tcp"
    if name == "sctp":
        raise NotSupported(
            "publishing SCTP ports is not supported",
            context=text,
            hint="--network host reaches an SCTP server without publishing",
            exit_code=125,
        )
    if name not in {"tcp", "udp"}:
        raise _invalid(f"invalid proto: {protocol}", text)
    return rest, cast("Protocol", name)


def _split_parts(text: str, rest: str) -> tuple[str, str, str]:
    if rest.startswith("["):
        address, bracket, rest = rest[1:].partition("]")
        if not (bracket and rest.startswith(":") and is_ipv6(address)):
            raise _invalid(f"invalid publish format: {text}", text)
        parts = [address, *rest[1:].split(":")]
        if len(parts) < 3:
            parts.insert(1, "")
    else:
        parts = rest.split(":")
    if not parts[-1]:
        raise _invalid(f"no port specified: {text}<empty>", text)
    if len(parts) > 3:
        raise _invalid(f"invalid publish format: {text}", text)
    host_ip, host, container = ["", "", *parts][-3:]
    if host_ip and not is_address(host_ip):
        raise _invalid(f"invalid IP address: {host_ip}", text)
    return host_ip, host, container


def _parse_range(text: str, what: str, whole: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    first = _parse_port(start)
    last = _parse_port(end) if dash else first
    if first is None or last is None or last < first or (first == 0 and what == "containerPort"):
        raise _invalid(f"invalid {what}: {text}", whole)
    return first, last


def _parse_port(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return None
    port = int(text)
    return port if port <= 65535 else None


def _invalid(message: str, text: str) -> InvalidInput:
    return InvalidInput(
        message, context=text, hint=f"the form is {_FORM}", reference="invalid-port", exit_code=125
    )

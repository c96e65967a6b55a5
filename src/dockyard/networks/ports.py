"""The grammar of ``-p``: Docker's forms of publishing a port. Pure."""

from __future__ import annotations

from typing import cast

from dockyard.errors import DockyardError, InvalidInput, NotSupported
from dockyard.networks import addresses
from dockyard.networks.model import PortMapping, Protocol

_FORM = "[HOST_IP:][HOST_PORT:]CONTAINER_PORT[/tcp|udp], ports may be ranges such as 8000-8003"


def parse_publish(text: str) -> tuple[PortMapping, ...]:
    """Reads one ``-p`` value; a range yields one mapping a port.

    ``8000`` (any free host port), ``8000:80``, ``127.0.0.1:8000:80``, ``127.0.0.1::80``,
    ``8000-8003:80-83``, each with ``/tcp`` or ``/udp``.

    Raises:
        InvalidInput: it has none of these forms.
        NotSupported: it asks for IPv6, SCTP, or any one port out of a range.
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
    if host_last - host_first != last - first:
        raise _range_error(text, container, host, single=first == last)
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
        raise NotSupported("publishing SCTP ports is not supported yet", context=text)
    if name not in {"tcp", "udp"}:
        raise _invalid(f"invalid proto: {protocol}", text)
    return rest, cast("Protocol", name)


def _split_parts(text: str, rest: str) -> tuple[str, str, str]:
    if rest.startswith("["):
        raise NotSupported("publishing on IPv6 addresses is not supported yet", context=text)
    parts = rest.split(":")
    if not parts[-1]:
        raise _invalid(f"no port specified: {text}<empty>", text)
    if len(parts) > 3:
        raise _invalid(f"invalid publish format: {text}", text)
    host_ip, host, container = ["", "", *parts][-3:]
    if host_ip and not _is_address(host_ip):
        raise _invalid(f"invalid IP address: {host_ip}", text)
    return host_ip, host, container


def _is_address(text: str) -> bool:
    try:
        addresses.to_number(text)
    except ValueError:
        return False
    return True


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


def _range_error(text: str, container: str, host: str, *, single: bool) -> DockyardError:
    if single:
        return NotSupported(
            "choosing a free port out of a range is not supported yet",
            context=text,
            hint=f"name one host port, or publish {container} alone for any free one",
        )
    words = f"invalid ranges specified for container and host Ports: {container} and {host}"
    return _invalid(words, text)


def _invalid(message: str, text: str) -> InvalidInput:
    return InvalidInput(
        message, context=text, hint=f"the form is {_FORM}", reference="invalid-port", exit_code=125
    )

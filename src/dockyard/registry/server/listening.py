"""Addresses to listen at: read, judged, and bound."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Sequence

from dockyard.errors import Conflict, InvalidInput, PermissionMissing

_ALL = "0.0.0.0"  # noqa: S104  # what an empty host means to Docker
_HIGHEST = 65535


def read(texts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Hosts and ports as they are typed: ``HOST:PORT``, ``:PORT``, ``[::1]:PORT``. Pure.

    Raises:
        InvalidInput: it is no address.
    """
    for text in texts:
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not (port.isascii() and port.isdecimal()) or int(port) > _HIGHEST:
            raise InvalidInput(
                f"invalid address: {text!r}",
                hint="such as 127.0.0.1:5000, or :5000 for all addresses of this host",
            )
        yield host or _ALL, int(port)


def is_loopback(host: str) -> bool:
    """True for an address that only this host reaches."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return False


def bind(host: str, port: int) -> socket.socket:
    """A socket at this address.

    Raises:
        InvalidInput: there is no such address.
        Conflict: somebody else has it.
        PermissionMissing: it takes root.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM,
                                   flags=socket.AI_PASSIVE)[0]  # fmt: skip
    except OSError as error:
        raise InvalidInput(
            f"no such address to listen at: {host}", context=str(error),
            hint="such as 127.0.0.1:5000, or :5000 for all addresses of this host",
        ) from error  # fmt: skip
    made = socket.socket(found[0], socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(found[4])
    except PermissionError as error:
        made.close()
        raise PermissionMissing(
            f"cannot listen at {host}:{port}: {error.strerror}",
            hint="ports below 1024 take root; choose another one with --addr",
        ) from error
    except OSError as error:
        made.close()
        raise Conflict(
            f"cannot listen at {host}:{port}: {error.strerror}",
            hint="see who has it (ss -ltnp), or choose another one with --addr",
            reference="address-in-use",
        ) from error
    return made


def shown(each: socket.socket) -> str:
    """Where a socket is, as it would be typed."""
    host, port = each.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

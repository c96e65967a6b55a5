"""Holding published ports, so that nobody else gets them while a container has them.

Destination NAT alone never notices a conflict: two rules for one port, or a rule over a server
that listens, silently shadow each other. So each published port is bound, not listened on, by a
socket whose descriptor the container's monitor keeps open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence

import msgspec

from dockyard.errors import Conflict, DockyardError, InvalidInput, PermissionMissing
from dockyard.networks.addresses import is_ipv6
from dockyard.networks.model import ANY_IPV4, ANY_IPV6, PortMapping

Owner = Callable[[PortMapping], str | None]
"""Tells the holder that has a port, where it is one of ours."""


_ATTEMPTS = 5
"""For one free port of both versions of IP."""


class PortTaken(Conflict):
    """A port of the host that someone has: ``holder``, where it is one of ours."""

    reference = "port-in-use"
    exit_code = 125
    holder: str | None = None


def reserve(
    ports: Sequence[PortMapping], default_ip: str, owner: Owner, *, ipv6: bool = False
) -> tuple[tuple[PortMapping, ...], tuple[int, ...]]:
    """Binds each port; returns the mappings with real addresses and ports, and the descriptors.

    Args:
        ipv6: the container has an IPv6 address, so that a port for all addresses of the host is
            published on those, too.

    Raises:
        Conflict: a port is taken (exit code 125, as in Docker); none stays bound then.
        InvalidInput: the host does not have that address.
        PermissionMissing: the port is for root only.
    """
    mapped: list[PortMapping] = []
    descriptors: list[int] = []
    try:
        for port in ports:
            wanted = msgspec.structs.replace(port, host_ip=port.host_ip or default_ip)
            both = ipv6 and not port.host_ip and default_ip == ANY_IPV4
            for descriptor, number, address in _reserve_one(wanted, owner, both=both):
                descriptors.append(descriptor)
                mapped.append(
                    msgspec.structs.replace(
                        wanted, host_ip=address, host_port=number, last_host_port=0
                    )
                )
    except BaseException:
        release(descriptors)
        raise
    return tuple(mapped), tuple(descriptors)


def _reserve_one(port: PortMapping, owner: Owner, *, both: bool) -> list[tuple[int, int, str]]:
    """Descriptor, number and address; twice, with the same number, where ``both``."""
    attempts = _ATTEMPTS if both and port.host_port == 0 else 1
    while True:
        descriptor, number = _bind_in_range(port, owner)
        if not both:
            return [(descriptor, number, port.host_ip)]
        twin = msgspec.structs.replace(port, host_ip=ANY_IPV6, host_port=number, last_host_port=0)
        attempts -= 1
        try:
            return [(descriptor, number, port.host_ip), (*_bind(twin, owner), ANY_IPV6)]
        except DockyardError:
            os.close(descriptor)
            if attempts == 0:
                raise


def _bind_in_range(port: PortMapping, owner: Owner) -> tuple[int, int]:
    """The first port of the range that is free."""
    last = max(port.last_host_port, port.host_port)
    for number in range(port.host_port, last):
        with contextlib.suppress(Conflict):
            return _bind(msgspec.structs.replace(port, host_port=number), owner)
    return _bind(msgspec.structs.replace(port, host_port=last), owner)


def release(descriptors: Sequence[int]) -> None:
    """Closes the descriptors of :func:`reserve`."""
    for descriptor in descriptors:
        os.close(descriptor)


def taken(port: PortMapping, holder: str | None) -> PortTaken:
    """The error for a port that someone has; ``holder`` where it is one of ours."""
    option = "t" if port.protocol == "tcp" else "u"
    if holder is None:
        hint = f"see what has it (ss -l{option}np 'sport = :{port.host_port}'), or choose another"
    else:
        hint = advice(_describe(holder))
    error = PortTaken(f"Bind for {port.host} failed: port is already allocated", hint=hint)
    error.holder = holder
    return error


def advice(who: str) -> str:
    """What to do about a port that somebody of ours publishes."""
    return f"{who} publishes it: stop that, or choose another host port"


def _bind(port: PortMapping, owner: Owner) -> tuple[int, int]:
    try:
        return _open(port, reuse=False)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise _unbindable(port, error) from error
    if port.protocol == "tcp" and owner(port) is None:
        # Left may be connections of a server that has ended (TIME_WAIT). SO_REUSEADDR passes
        # those, but nothing that listens and none of the sockets bound above.
        try:
            return _open(port, reuse=True)
        except OSError as error:
            raise taken(port, None) from error
    raise taken(port, owner(port))


def _open(port: PortMapping, *, reuse: bool) -> tuple[int, int]:
    kind = socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if is_ipv6(port.host_ip) else socket.AF_INET
    with socket.socket(family, kind | socket.SOCK_CLOEXEC) as opened:
        if family == socket.AF_INET6:  # the port's twin of IPv4 is a socket of its own
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if reuse:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((port.host_ip, port.host_port))
        if reuse:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        number: int = opened.getsockname()[1]
        return opened.detach(), number


def _unbindable(port: PortMapping, error: OSError) -> DockyardError:
    where = port.host
    message = f"Bind for {where} failed: {os.strerror(error.errno or 0).lower()}"
    if error.errno == errno.EADDRNOTAVAIL:
        hint = "use an address of this host (ip addr), 0.0.0.0 for all, or 127.0.0.1"
        return InvalidInput(message, hint=hint, reference="address-not-here", exit_code=125)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PermissionMissing(message, hint="ports below 1024 need root", exit_code=125)
    return Conflict(
        message, hint="publish another port of the host", reference="port-unusable", exit_code=125
    )


def _describe(holder: str) -> str:
    kind, _, name = holder.partition("-")
    return f"{'container' if kind == 'c' else 'build step'} {name[:12]}"

"""Holding published ports, so that nobody else gets them while a container has them.

Destination NAT alone never notices a conflict: two rules for one port, or a rule over a server
that listens, silently shadow each other. So each published port is bound, not listened on, by a
socket whose descriptor the container's monitor keeps open.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence

import msgspec

from dockyard.errors import Conflict, DockyardError, InvalidInput, PermissionMissing
from dockyard.networks.model import PortMapping

Owner = Callable[[PortMapping], str | None]
"""Tells the holder that has a port, where it is one of ours."""


def reserve(
    ports: Sequence[PortMapping], default_ip: str, owner: Owner
) -> tuple[tuple[PortMapping, ...], tuple[int, ...]]:
    """Binds each port; returns the mappings with real addresses and ports, and the descriptors.

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
            descriptor, number = _bind(wanted, owner)
            descriptors.append(descriptor)
            mapped.append(msgspec.structs.replace(wanted, host_port=number))
    except BaseException:
        release(descriptors)
        raise
    return tuple(mapped), tuple(descriptors)


def release(descriptors: Sequence[int]) -> None:
    """Closes the descriptors of :func:`reserve`."""
    for descriptor in descriptors:
        os.close(descriptor)


def taken(port: PortMapping, holder: str | None) -> Conflict:
    """The error for a port that someone has; ``holder`` where it is one of ours."""
    option = "t" if port.protocol == "tcp" else "u"
    if holder is None:
        hint = f"see what has it (ss -l{option}np 'sport = :{port.host_port}'), or choose another"
    else:
        hint = f"{_describe(holder)} publishes it: stop that, or choose another host port"
    return Conflict(
        f"Bind for {port.host_ip}:{port.host_port} failed: port is already allocated",
        hint=hint,
        reference="port-in-use",
        exit_code=125,
    )


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
    with socket.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC) as opened:
        if reuse:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((port.host_ip, port.host_port))
        if reuse:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        number: int = opened.getsockname()[1]
        return opened.detach(), number


def _unbindable(port: PortMapping, error: OSError) -> DockyardError:
    where = f"{port.host_ip}:{port.host_port}"
    message = f"Bind for {where} failed: {os.strerror(error.errno or 0).lower()}"
    if error.errno == errno.EADDRNOTAVAIL:
        hint = "use an address of this host (ip -4 addr), 0.0.0.0 for all, or 127.0.0.1"
        return InvalidInput(message, hint=hint, reference="address-not-here", exit_code=125)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PermissionMissing(message, hint="ports below 1024 need root", exit_code=125)
    return Conflict(message, reference="port-unusable", exit_code=125)


def _describe(holder: str) -> str:
    kind, _, name = holder.partition("-")
    return f"{'container' if kind == 'c' else 'build step'} {name[:12]}"

"""Making a network namespace that lives as long as someone uses it.

It has no name and no mount, hence nothing to clean up: a descriptor of this process holds it
until the container's processes do, and when the last of them goes, the kernel frees it together
with the interfaces inside.
"""

from __future__ import annotations

import os

from dockyard.errors import Conflict, NotSupported, PermissionMissing
from dockyard.system import syscalls
from dockyard.system.host import ProcessIdentity
from dockyard.system.netlink import Netlink
from dockyard.system.task import Task

_LOOPBACK = 1
"""The index of ``lo`` in every namespace."""
_IPV6 = "/proc/sys/net/ipv6/conf"


class Namespace:
    """A network namespace, held by a descriptor, and a conversation with the kernel about it."""

    def __init__(self, descriptor: int, link: Netlink) -> None:
        self.descriptor = descriptor
        self.link = link

    @property
    def path(self) -> str:
        """A path that other processes may open while this one has it open."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def close(self) -> None:
        """Lets go of it. Idempotent."""
        if self.descriptor >= 0:
            self.link.close()
            os.close(self.descriptor)
            self.descriptor = -1

    def enable_ipv6(self, interface: str) -> None:
        """Lets an interface have IPv6 addresses, but believe no router's advertisements."""
        Task(lambda: self._enable_ipv6(interface)).result()

    def _enable_ipv6(self, interface: str) -> None:
        syscalls.setns(self.descriptor, syscalls.CLONE_NEWNET)
        for name in ("lo", interface):
            _set_ipv6(name, "disable_ipv6", "0")
        _set_ipv6(interface, "accept_ra", "0")


def create() -> Namespace:
    """Makes a namespace with nothing but its loopback, which is up.

    In a thread of its own: unshare(2) moves only the calling thread, so the process as a whole
    stays where it is.

    Raises:
        PermissionMissing: this process may not make namespaces.
        NotSupported: the kernel can't.
    """
    return Task(_create).result()


def enter(process: ProcessIdentity) -> Namespace:
    """The namespace that a process lives in.

    Raises:
        Conflict: the process is gone.
    """
    return Task(lambda: _enter(process)).result()


def _create() -> Namespace:
    _unshare()
    space = _here()
    try:
        _set_ipv6(
            "default", "disable_ipv6", "1"
        )  # link-local addresses are a way around IPv4 rules
        space.link.set_up(_LOOPBACK)
    except BaseException:
        space.close()
        raise
    return space


def _enter(process: ProcessIdentity) -> Namespace:
    try:
        descriptor = process.open_namespace("net")
    except ProcessLookupError as error:
        raise Conflict(
            "the container ended meanwhile", hint="start it again; dockyard logs shows how it ended"
        ) from error
    try:
        syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
        return _here()
    finally:
        os.close(descriptor)


def _here() -> Namespace:
    descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return Namespace(descriptor, Netlink())
    except BaseException:
        os.close(descriptor)
        raise


def _unshare() -> None:
    try:
        syscalls.unshare(syscalls.CLONE_NEWNET)
    except PermissionError as error:
        raise PermissionMissing(
            f"cannot make a network namespace: {error.strerror}",
            hint="run as root, or use --network host",
            exit_code=125,
        ) from error
    except OSError as error:
        raise NotSupported(
            f"cannot make a network namespace: {error.strerror}",
            hint="the kernel may lack CONFIG_NET_NS, or user.max_net_namespaces is reached",
            exit_code=125,
        ) from error


def _set_ipv6(interface: str, name: str, value: str) -> None:
    """A setting of the calling thread's namespace; nothing where the kernel has no IPv6."""
    path = f"{_IPV6}/{interface}/{name}"
    try:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(value)
    except FileNotFoundError:
        return
    except OSError as error:
        raise PermissionMissing(
            f"cannot write {path}: {error.strerror}",
            hint="/proc/sys is read-only here; run Dockyard where it is writable",
            exit_code=125,
        ) from error

"""Making a network namespace that lives as long as someone uses it.

It has no name and no mount, hence nothing to clean up: a descriptor of this process holds it
until the container's processes do, and when the last of them goes, the kernel frees it together
with the interfaces inside.
"""

from __future__ import annotations

import os
import threading

from dockyard.errors import NotSupported, PermissionMissing
from dockyard.system import process, syscalls

_IPV6_OF_NEW_INTERFACES = "/proc/sys/net/ipv6/conf/default/disable_ipv6"


def current() -> str:
    """A path to the calling thread's namespace that other processes may open while it lives."""
    return f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"


def create(batch: str) -> int:
    """Makes a namespace, runs ``ip -batch`` in it, and returns its descriptor.

    Run it in a thread of its own (:class:`Task`): unshare(2) moves only the calling thread, and
    the ``ip`` that it starts inherits the namespace, so the process as a whole stays where it is.

    Raises:
        PermissionMissing: this process may not make namespaces.
        NotSupported: the kernel can't.
        ComponentFailed: ``ip`` failed; the namespace is gone again.
    """
    _unshare()
    descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _disable_ipv6()
        process.run(["ip", "-batch", "-"], input=batch)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


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


def _disable_ipv6() -> None:
    """No link-local address on ``eth0``: it would be a way around the IPv4 rules."""
    try:
        with open(_IPV6_OF_NEW_INTERFACES, "w", encoding="ascii") as stream:
            stream.write("1")
    except FileNotFoundError:
        return
    except OSError as error:
        raise PermissionMissing(
            f"cannot write {_IPV6_OF_NEW_INTERFACES}: {error.strerror}",
            hint="/proc/sys is read-only here; run Dockyard where it is writable",
            exit_code=125,
        ) from error

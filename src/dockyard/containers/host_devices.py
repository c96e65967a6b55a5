"""Looks at the host's devices, for ``--device`` and ``--privileged``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from dockyard.containers.options import DeviceMapping
from dockyard.containers.spec_devices import EVERYTHING, Granted, rule_for
from dockyard.errors import InvalidInput
from dockyard.oci.resources import Device

_OWN = frozenset({"pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev"})
"""What of ``/dev`` every container has of its own, or what isn't devices (as in containerd)."""


def number_of(path: str) -> tuple[int, int]:
    """Major and minor number of a device of the host.

    Raises:
        InvalidInput: there is none.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise InvalidInput(
            f"stat {path}: {error.strerror}",
            hint="name a device of this host, such as /dev/sda",
            exit_code=125,
        ) from error
    if not stat.S_ISBLK(status.st_mode) and not stat.S_ISCHR(status.st_mode):
        raise InvalidInput(
            f"{path} is not a device",
            hint="ls -l shows a device of the host with a b or a c in front",
            exit_code=125,
        )
    return os.major(status.st_rdev), os.minor(status.st_rdev)


def granted(mapping: DeviceMapping) -> Granted:
    """What a ``--device`` gives: one node, or all those in a directory and below.

    Raises:
        InvalidInput: there is no device.
    """
    nodes = list(_nodes(os.path.realpath(mapping.host), mapping.container))
    if not nodes:
        why = "not a device node" if os.path.exists(mapping.host) else "no such file or directory"
        raise InvalidInput(
            "error gathering device information while adding custom device"
            f' "{mapping.host}": {why}',
            hint="--device takes a device of the host, such as /dev/fuse, or a directory of them",
            exit_code=125,
        )
    return Granted(tuple(nodes), tuple(rule_for(node, mapping.access) for node in nodes))


def everything() -> Granted:
    """All devices of the host, for ``--privileged``."""
    names = sorted(name for name in os.listdir("/dev") if name not in _OWN)
    nodes = [node for name in names for node in _nodes(f"/dev/{name}", f"/dev/{name}")]
    return Granted(tuple(nodes), (EVERYTHING,))


def _nodes(source: str, target: str) -> Iterator[Device]:
    try:
        status = os.lstat(source)
    except OSError:
        return
    if stat.S_ISDIR(status.st_mode):
        for name in sorted(os.listdir(source)):
            yield from _nodes(f"{source}/{name}", f"{target}/{name}")
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        yield Device(
            path=target,
            kind="b" if stat.S_ISBLK(status.st_mode) else "c",
            major=os.major(status.st_rdev),
            minor=os.minor(status.st_rdev),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
        )

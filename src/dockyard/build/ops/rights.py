"""What the processes of a RUN step may do: BuildKit's sandbox, or nearly everything."""

from __future__ import annotations

import fcntl
import os

from dockyard.containers.facts import HostFacts
from dockyard.containers.spec_devices import EVERYTHING, Granted
from dockyard.containers.spec_rights import Rights
from dockyard.oci.resources import Device
from dockyard.security import capabilities, seccomp
from dockyard.security import paths as guarded

_NODES = {
    "kmsg": (1, 11), "cuse": (10, 203), "fuse": (10, 229), "kvm": (10, 232),
    "net/tun": (10, 200), "loop-control": (10, 237),
}  # fmt: skip
"""Devices of an insecure step, whether or not this host has them: those that BuildKit gives."""

_LOOPS = 7
_LOOP_MAJOR = 7
_LOOP_CTL_GET_FREE = 0x4C82


def rights(facts: HostFacts, *, insecure: bool) -> Rights:
    """A step's rights. Pure."""
    wanted = capabilities.ALL if insecure else capabilities.DEFAULT_BUILD
    granted = capabilities.grantable(wanted, (), facts.capability_bounds)
    if insecure:
        return Rights(
            capabilities=granted, no_new_privileges=False, seccomp=None, masked_paths=(),
            readonly_paths=(), writable_system=True, writable_cgroups=True,
        )  # fmt: skip
    return Rights(
        capabilities=granted,
        no_new_privileges=False,
        seccomp=seccomp.default_profile(granted, facts.architecture, facts.kernel),
        masked_paths=guarded.MASKED,
        readonly_paths=guarded.READONLY,
    )


def devices(*, insecure: bool) -> Granted:
    """Devices beyond those that every container has: all, and the nodes of some."""
    if not insecure:
        return Granted()
    nodes = [
        Device(path=f"/dev/{name}", kind="c", major=major, minor=minor, mode=0o600)
        for name, (major, minor) in _NODES.items()
    ]
    first = _free_loop()
    nodes += [
        Device(path=f"/dev/loop{number}", kind="b", major=_LOOP_MAJOR, minor=number, mode=0o600)
        for number in range(first, first + _LOOPS)
    ]
    return Granted(tuple(nodes), (EVERYTHING,))


def _free_loop() -> int:
    """The first loop device that nobody uses; 0 where this host has none."""
    try:
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
    except OSError:
        return 0
    finally:
        os.close(control)

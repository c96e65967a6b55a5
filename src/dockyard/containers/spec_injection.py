"""Devices that vendors describe, in a container's specification. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dockyard.oci.runtime import Process, Sandbox

if TYPE_CHECKING:  # only where such a device is asked for
    from dockyard.devices.inject import Injection


def with_devices(
    process: Process, sandbox: Sandbox, injection: Injection
) -> tuple[Process, Sandbox]:
    """Both with what the devices add, which takes the place of what was there before (CDI)."""
    env = {entry.partition("=")[0]: entry for entry in (*process.env, *injection.env)}
    nodes = {node.path: node for node in (*sandbox.devices, *injection.nodes)}
    groups = {*process.identity.groups, *injection.groups}
    identity = msgspec.structs.replace(process.identity, groups=tuple(sorted(groups)))
    return (
        msgspec.structs.replace(process, env=tuple(env.values()), identity=identity),
        msgspec.structs.replace(
            sandbox,
            devices=tuple(nodes.values()),
            device_rules=(*sandbox.device_rules, *injection.rules),
            mounts=(*sandbox.mounts, *injection.mounts),
            hooks=sandbox.hooks | injection.hooks,
            intel_rdt=injection.intel_rdt or sandbox.intel_rdt,
        ),
    )

"""Crash-only: what every command does before its own work."""

from __future__ import annotations

from dockyard.containers import workspace as workspaces
from dockyard.containers.apply import Containers
from dockyard.containers.parts import Parts
from dockyard.errors import ComponentFailed, ComponentMissing, PermissionMissing


def recover(parts: Parts, containers: Containers) -> None:
    """Settles containers, workspaces and volumes whose owner was killed, and the network.

    A few queries where there is nothing to do; only records whose lock is free are touched.
    """
    containers.recover()
    workspaces.recover(parts)
    parts.volumes.recover()
    try:
        parts.networks.verify()
    except (ComponentFailed, ComponentMissing, PermissionMissing) as error:
        parts.warn(f"the rules of the bridge network could not be checked: {error}")

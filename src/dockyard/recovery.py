"""Crash-only: what every command does before its own work."""

from __future__ import annotations

from dockyard.containers import workspace as workspaces
from dockyard.containers.apply import Containers
from dockyard.containers.parts import Parts


def recover(parts: Parts, containers: Containers) -> None:
    """Settles containers, workspaces, volumes and endpoints whose owner was killed.

    A few queries where there is nothing to do; only records whose lock is free are touched.
    """
    containers.recover()
    workspaces.recover(parts)
    parts.volumes.recover()

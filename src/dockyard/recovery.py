"""Crash-only: what every command does before its own work."""

from __future__ import annotations

import os

from dockyard.containers import supervise
from dockyard.containers.apply import Containers
from dockyard.containers.parts import Parts
from dockyard.containers.runtime import sweep
from dockyard.errors import ComponentFailed, ComponentMissing, PermissionMissing
from dockyard.state.locks import Lock

_HOLDERS = (
    "b-", "c-", "compose-", "images-", "k-", "m-", "model-", "serving-of-", "u-", "v-", "w-",
)  # fmt: skip
"""How the names of builds, containers, Compose projects, readers of images, cache mounts, models,
projects with services, uploads, volumes and workspaces begin."""


def recover(parts: Parts, containers: Containers) -> None:
    """Settles containers, workspaces and volumes whose owner was killed, and the network.

    A few queries where there is nothing to do; only records whose lock is free are touched.
    """
    containers.recover()
    _recover_workspaces(parts)
    parts.volumes.recover()
    _recover_models(parts)
    _recover_caches(parts)
    _sweep_locks(parts)
    sweep(parts.paths)
    try:
        _recover_connections(parts)
        parts.networks.verify()
    except (ComponentFailed, ComponentMissing, PermissionMissing) as error:
        parts.warn(f"the networks could not be checked: {error}")
    supervise.recover(parts)
    _recover_serving(parts)


def _recover_workspaces(parts: Parts) -> None:
    if parts.database.query_one("SELECT 1 FROM workspaces") is None:
        return
    from dockyard.containers import pause, workspace  # beside a build, or after a crash

    pause.recover(parts)
    workspace.recover(parts)


def _recover_serving(parts: Parts) -> None:
    """Revives what serves services, or ends it where a killed command has taken the last away."""

    def serves() -> bool:
        return parts.database.query_one("SELECT 1 FROM serving_services LIMIT 1") is not None

    if not serves() and not os.path.isdir(parts.paths.serving):
        return
    from dockyard.serving import programs  # few roots serve anything

    try:
        programs.recover(parts.paths, serves)
    except (ComponentFailed, ComponentMissing, PermissionMissing) as error:
        parts.warn(f"services are not served: {error}")


def _recover_connections(parts: Parts) -> None:
    if not parts.networks.pending():
        return
    from dockyard.containers import networking

    networking.recover(parts)


def _recover_models(parts: Parts) -> None:
    if parts.database.query_one("SELECT 1 FROM models WHERE state<>'ready'") is not None:
        parts.models.recover()


def _recover_caches(parts: Parts) -> None:
    if parts.database.query_one("SELECT 1 FROM cache_mounts WHERE state<>'ready'") is None:
        return
    from dockyard.build.mounts.caches import CacheMounts  # only after a crash

    CacheMounts(parts.paths, parts.database).recover()


def _sweep_locks(parts: Parts) -> None:
    """Removes the lock files of commands that were killed before they recorded what they make."""
    found = {
        name.removesuffix(".lock")
        for name in os.listdir(parts.paths.locks)
        if name.startswith(_HOLDERS)
    }
    known = {f"c-{row[0]}" for row in parts.database.query("SELECT id FROM containers")}
    known |= {f"m-{row[0]}" for row in parts.database.query("SELECT id FROM cache_mounts")}
    for holder in found - known:
        lock = Lock.try_acquire(parts.lock_path(holder))
        if lock is not None:
            with lock:
                if parts.store.get(holder.removeprefix("c-")) is None:
                    lock.release(remove=True)

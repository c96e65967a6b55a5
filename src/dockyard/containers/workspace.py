"""A directory in which a step works: an overlay over the layers below, and where it changes them.

Its row is written before anything is made and deleted after all is gone; its lock is held as long
as the step lives. So whatever a killed build leaves is found and removed by the next command.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Self

from dockyard.containers import cgroup_parent
from dockyard.containers.finish import kill_makers
from dockyard.containers.parts import Parts
from dockyard.containers.recover import tolerant
from dockyard.errors import ComponentMissing
from dockyard.images.content import ContentStore
from dockyard.state.locks import Lock
from dockyard.state.paths import unusable
from dockyard.system import cgroups, mounts
from dockyard.system.files import remove_tree, write_atomically

FREEZES = "commit "
"""How the purpose of a workspace begins whose owner may have frozen the container it names."""


_PARENT = "cgroup-parent"
"""The file of a workspace that says where its cgroup is, so that recovery finds it."""


class Workspace:
    """One step's workspace. Use as a context manager.

    Args:
        cgroup_parent: the cgroup (or slice) for that of the step, in place of our own.

    Raises:
        InvalidInput: there can't be such a parent.
    """

    def __init__(self, parts: Parts, purpose: str, *, cgroup_parent: str | None = None) -> None:
        self._parts = parts
        self._cgroup_parent = cgroup_parent
        self.id = os.urandom(8).hex()
        self.holder = f"w-{self.id}"
        self.path = parts.paths.workspace(self.id)
        self.cgroup = cgroups.cgroup_path(
            parts.cgroup_layout, parts.paths.root_hash, self.holder, parent=cgroup_parent
        )
        """As the runtime is told it."""
        self._lock = parts.lock(self.holder)
        parts.database.execute("INSERT INTO workspaces VALUES (?, ?)", (self.id, purpose))

    def __enter__(self) -> Self:
        try:
            for name in ("upper", "work", "root", "empty"):
                os.makedirs(f"{self.path}/{name}", mode=0o755)
            if self._cgroup_parent:
                write_atomically(
                    f"{self.path}/{_PARENT}", self._cgroup_parent.encode(), durable=False
                )
        except OSError as error:
            clear(self._parts, self.id)
            self._lock.release(remove=True)
            raise unusable(self.path, error) from error
        return self

    def __exit__(self, *_exception: object) -> None:
        clear(self._parts, self.id)
        self._lock.release(remove=True)

    @property
    def upper(self) -> str:
        """Where the changes are."""
        return f"{self.path}/upper"

    @property
    def root(self) -> str:
        """Where the whole filesystem is mounted."""
        return f"{self.path}/root"

    def mount(self, lowers: Sequence[str]) -> None:
        """Mounts the layers, with the changes on top."""
        mounts.begin_upper(self.upper, lowers)
        mounts.mount_overlay(
            mounts.Overlay(
                target=self.root,
                lowers=tuple(lowers) or (f"{self.path}/empty",),
                upper=self.upper,
                work=f"{self.path}/work",
                volatile=True,  # what becomes a layer is synced before its record is written
            )
        )

    def mount_read_only(self, lowers: Sequence[str], name: str) -> str:
        """Mounts other layers beside, to read from; the path."""
        target = f"{self.path}/{name}"
        os.makedirs(target, exist_ok=True)
        lowers = tuple(lowers) or (f"{self.path}/empty",)
        mounts.mount_overlay(mounts.Overlay(target=target, lowers=lowers))
        return target

    def mount_discarded(self, lowers: Sequence[str], name: str) -> str:
        """Mounts other layers beside, to write to as well; what is written goes with the step."""
        target = f"{self.path}/{name}"
        upper, work = f"{target}.upper", f"{target}.work"
        for directory in (target, upper, work):
            os.makedirs(directory)
        mounts.begin_upper(upper, lowers)
        mounts.mount_overlay(
            mounts.Overlay(
                target=target, lowers=tuple(lowers) or (f"{self.path}/empty",), upper=upper,
                work=work, volatile=True,
            )
        )  # fmt: skip
        return target

    def unmount(self) -> None:
        """Ends all mounts of the step."""
        mounts.unmount_below(self.path)


def clear(parts: Parts, workspace_id: str, *, killed: bool = False) -> None:
    """Frees all that a workspace has: processes, mounts, files, network, and last its row.

    The files go before anything is written: it may be they that fill the disk. The caller holds
    its lock. Idempotent.

    Args:
        killed: its owner was killed, so a runtime may still be at work for it.
    """
    holder, path = f"w-{workspace_id}", parts.paths.workspace(workspace_id)
    layout = parts.cgroup_layout
    parent = _cgroup_parent(path)
    cgroup = cgroups.cgroup_path(layout, parts.paths.root_hash, holder, parent=parent)
    if killed:
        kill_makers(path)
    cgroups.kill_all(layout, cgroup)
    if os.path.exists(f"{parts.paths.runtime_state}/{holder}"):
        _delete(parts, holder)
        remove_tree(f"{parts.paths.runtime_state}/{holder}")
    mounts.unmount_below(path)
    cgroup_parent.remove(parts.paths, layout, cgroup)
    remove_tree(path)
    if killed:  # blobs that it was about to give to somebody
        ContentStore(parts.paths, parts.database).release(holder)
    parts.networks.detach(holder)
    parts.database.execute("DELETE FROM workspaces WHERE id=?", (workspace_id,))


def _cgroup_parent(path: str) -> str | None:
    try:
        with open(f"{path}/{_PARENT}", encoding="utf-8") as stream:
            return stream.read() or None
    except FileNotFoundError:
        return None


def _delete(parts: Parts, holder: str) -> None:
    """Removes a step's container; where no runtime is installed any more, there is none."""
    with contextlib.suppress(ComponentMissing):
        parts.runtime().delete(holder)


def recover(parts: Parts) -> None:
    """Clears the workspaces of steps that were killed."""
    for (workspace_id,) in parts.database.query("SELECT id FROM workspaces"):
        lock = Lock.try_acquire(parts.lock_path(f"w-{workspace_id}"))
        if lock is None:
            continue
        with lock, tolerant(parts, f"the step in workspace {workspace_id}"):
            if parts.database.query_one("SELECT 1 FROM workspaces WHERE id=?", (workspace_id,)):
                clear(parts, workspace_id, killed=True)
            lock.release(remove=True)

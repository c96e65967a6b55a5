"""What a controller occupies beside its memory: a cgroup or scope of its own, and a directory."""

from __future__ import annotations

import os

from dockyard.containers import cgroup_parent
from dockyard.errors import ComponentFailed, ComponentMissing
from dockyard.state.paths import Paths
from dockyard.system import cgroups, scope
from dockyard.system.files import remove_tree

_SECONDS = 4.0
"""How long what a controller started (a probe) may take to end with it; the next one waits."""


def enter(paths: Paths) -> bool:
    """Moves this process out of its caller's cgroup.

    Where systemd can't be asked for a scope it stays: being ended with a caller is no loss that
    the next command doesn't mend.

    Returns:
        False where the host is being shut down: a controller would only hold that up.
    """
    layout = cgroups.read_layout()
    if not layout.systemd:
        cgroups.create_and_enter(layout, _cgroup(paths), os.getpid())
        return True
    mark = paths.root_hash
    unit = f"dockyard-controller-{mark}-{os.getpid()}.scope"
    try:
        scope.start(unit, f"dockyard-{mark}.slice", os.getpid())
    except (ComponentFailed, ComponentMissing) as error:
        return not scope.is_shutdown(error.message)
    return True


def clear(paths: Paths) -> None:
    """Removes cgroup and directory of a controller that ends, or of one that was killed.

    The caller holds the controller's lock. The directory goes last, and only with the cgroup: it
    has the next command clear up what is left.
    """
    if _clear_cgroup(paths):
        remove_tree(paths.controller)


def _clear_cgroup(paths: Paths) -> bool:
    layout = cgroups.read_layout()
    if layout.systemd:
        return True
    here = _cgroup(paths)
    if os.getpid() in cgroups.pids(layout, here):
        cgroups.leave(layout, os.getpid())
    return cgroup_parent.remove(paths, layout, here, _SECONDS)


def _cgroup(paths: Paths) -> str:
    return f"/dockyard-{paths.root_hash}/controller"

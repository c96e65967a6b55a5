"""The cgroup above those of all containers of a root, which goes with the last of them.

A runtime makes it and then its own below. If another command removed it in between, for its
container was the last, the runtime would fail. So whoever makes a container shares a lock
meanwhile, and only who gets that lock alone removes the parent; the others leave it to the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from dockyard.state.paths import Paths
from dockyard.system import cgroups


@contextlib.contextmanager
def kept(paths: Paths) -> Iterator[None]:
    """While inside, nobody removes the parent."""
    descriptor = _open(paths)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def remove(paths: Paths, layout: cgroups.CgroupLayout, path: str, seconds: float = 2.0) -> bool:
    """Removes a container's cgroup, and the parent where no other is in it or being made.

    Args:
        seconds: how long to wait for processes in it that are about to end.

    Returns:
        False where the cgroup is still there, for it has processes.
    """
    left = cgroups.remove(layout, path, seconds, parent=False)
    try:
        descriptor = _open(paths)
    except FileNotFoundError:  # the root was deleted: nobody makes any in it
        cgroups.remove_parent(layout, path)
        return not left
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        cgroups.remove_parent(layout, path)
    except BlockingIOError:
        pass  # one is being made, and removes the parent in its turn
    finally:
        os.close(descriptor)
    return not left


def _open(paths: Paths) -> int:
    return os.open(f"{paths.locks}/cgroups.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

"""The root filesystem of a container, as its processes see it or would see it.

A running container is entered by its first process's root, with everything that is mounted in it.
One that doesn't run is mounted for the time being, with its volumes, in a workspace, whose record
lets the next command take down what a killed one left; meanwhile it can't be started.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from dockyard.containers import create, surroundings
from dockyard.containers.content.rooted import Rooted
from dockyard.containers.model import Container, Mount
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import Conflict
from dockyard.system import mounts, syscalls

_IN_ROOT = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS


@contextlib.contextmanager
def entered(parts: Parts, container: Container, purpose: str) -> Iterator[Rooted]:
    """The container's root while it is read from or written to.

    Raises:
        Conflict: it ended at this very moment.
    """
    if container.running:
        with Rooted(_root_of_process(container)) as rooted:
            yield rooted
        return
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        if current.running:
            with Rooted(_root_of_process(current)) as rooted:
                yield rooted
            return
        with mounted(parts, current, purpose) as path:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            with Rooted(os.open(path, flags)) as rooted:
                yield rooted


@contextlib.contextmanager
def mounted(
    parts: Parts, container: Container, purpose: str, *, volumes: bool = True
) -> Iterator[str]:
    """The path at which a container that doesn't run is mounted; the caller holds its lock."""
    image = parts.images.get(container.image_id)
    with Workspace(parts, purpose) as workspace:
        create.mount_overlay(parts, container, image, workspace.root, volatile=False)
        for mount in container.mounts if volumes else ():
            _bind(parts, container, mount, workspace.root)
        yield workspace.root


def _root_of_process(container: Container) -> int:
    """A descriptor of the root of a container's first process."""
    process = container.process
    if process is not None:
        with contextlib.suppress(OSError):
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            descriptor = os.open(f"/proc/{process.pid}/root", flags)
            if process.alive():  # so the number was still its own
                return descriptor
            os.close(descriptor)
    raise Conflict(
        f"container {container.name} ended meanwhile", hint="try again", reference="not-running"
    )


def _bind(parts: Parts, container: Container, mount: Mount, root: str) -> None:
    """Mounts a volume or a directory of the host where a start would."""
    if mount.kind == "volume":
        source = surroundings.volume_source(parts, container, mount)
    elif mount.kind == "model":
        source = parts.models.directory(mount.source or "")
    elif mount.kind == "bind":
        source = mount.source or ""
    else:
        return
    if not os.path.exists(source):
        return
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        target = _mount_point(top, mount.target, directory=os.path.isdir(source))
        try:
            mounts.bind(source, f"/proc/self/fd/{target}", read_only=mount.read_only)
        finally:
            os.close(target)
    finally:
        os.close(top)


def _mount_point(top: int, path: str, *, directory: bool) -> int:
    """A descriptor of what is mounted on, made where it is missing as the runtime would."""
    parts = [name for name in path.split("/") if name]
    for count in range(1, len(parts) + 1):
        step, last = "/".join(parts[:count]), count == len(parts)
        try:
            os.close(syscalls.openat2(top, step, os.O_PATH, resolve=_IN_ROOT))
            continue
        except FileNotFoundError:
            pass
        parent = syscalls.openat2(
            top, "/".join(parts[: count - 1]) or ".", os.O_PATH | os.O_DIRECTORY, resolve=_IN_ROOT
        )
        try:
            if last and not directory:
                os.mknod(parts[-1], 0o644 | stat.S_IFREG, dir_fd=parent)
            else:
                os.mkdir(parts[count - 1], 0o755, dir_fd=parent)
        finally:
            os.close(parent)
    found = syscalls.openat2(top, "/".join(parts) or ".", os.O_PATH, resolve=_IN_ROOT)
    if stat.S_ISDIR(os.fstat(found).st_mode) != directory:
        os.close(found)
        raise OSError(errno.ENOTDIR, f"mount point {path} is of another kind")
    return found

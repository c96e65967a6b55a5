"""Making a container without starting it, renaming it, and restarting it by hand."""

from __future__ import annotations

import msgspec

from dockyard.containers import create as creation
from dockyard.containers import finish, mounting, names, networking
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.options import Options
from dockyard.containers.parts import Parts
from dockyard.errors import Conflict
from dockyard.images.model import Image
from dockyard.system import host


def create(parts: Parts, image: Image, image_name: str, options: Options) -> Container:
    """Makes a container with its directories and volumes, which it fills, for a later start.

    Raises:
        RunError, Conflict, InvalidInput: with Docker's exit codes; nothing is left behind.
    """
    host.require_root("creating a container", exit_code=125)
    container = creation.new_container(parts, image, image_name, options)
    with parts.lock(container.holder) as lock:
        try:
            parts.store.add(container, event(container, "create"))
            creation.make_directories(parts, container)
            mounts, fresh = mounting.resolve_mounts(parts, container)
            created = msgspec.structs.replace(container, state="created", mounts=mounts)
            if fresh:
                _fill_volumes(parts, created, image, fresh)
            parts.store.put(created)
        except BaseException:
            finish.discard(parts, container)
            lock.release(remove=True)
            raise
    return created


def _fill_volumes(parts: Parts, container: Container, image: Image, fresh: tuple[str, ...]) -> None:
    """Copies the image's content into empty volumes; a start has a root to copy it from."""
    from dockyard.containers.workspace import Workspace  # only where there are new volumes

    with Workspace(parts, f"volumes of {container.name}") as workspace:
        rootfs = workspace.mount_read_only(parts.images.directories(image), "source")
        creation.fill_volumes(parts, container, rootfs, fresh)


def rename(parts: Parts, container: Container, name: str) -> Container:
    """Gives a container another name.

    Raises:
        Conflict: another container has it, or it has it already.
        InvalidInput: it is no valid name.
    """
    name = names.check_name(name.removeprefix("/"))
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        if current.name == name:
            raise Conflict(
                "renaming a container with the same name as its current name",
                hint="give a name that it doesn't have yet",
            )
        renamed = msgspec.structs.replace(current, name=name)
        happened = event(renamed, "rename", oldName=f"/{current.name}")
        parts.store.rename(renamed, happened)
        networking.rename(parts, renamed)
        return renamed


def keep_for_restart(parts: Parts, container: Container) -> bool:
    """Notes that the container's next end is not its last one; false where it doesn't run.

    Without that ``--rm`` would remove it between the end and the start. A start takes it back.
    """
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        if current.running and current.options.remove:
            parts.store.put(msgspec.structs.replace(current, kept=True))
        return current.running

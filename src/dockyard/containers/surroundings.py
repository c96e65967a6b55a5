"""What a container's start looks up on the host: devices, joined namespaces, its ``/dev/shm``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from dockyard.containers import (
    host_devices,
    shared_memory,
    spec_devices,
    spec_mounts,
    spec_namespaces,
    spec_resources,
)
from dockyard.containers.model import Container, Mount, Options
from dockyard.containers.parts import Parts
from dockyard.containers.spec_devices import Granted
from dockyard.errors import Conflict, InvalidInput, RunError
from dockyard.oci.resources import Limits
from dockyard.oci.runtime import HOST, SHM, Identity, SpecMount
from dockyard.system import mounts, syscalls

if TYPE_CHECKING:
    from dockyard.devices.inject import Injection


class Joined(msgspec.Struct, frozen=True):
    """A namespace of another container."""

    donor: Container
    path: str
    """For the runtime, while this process holds it open."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the runtime's specification."""

    namespaces: dict[str, str]
    mounts: tuple[SpecMount, ...]
    shm_size: int | None
    limits: Limits
    granted: Granted
    root_propagation: str


@contextlib.contextmanager
def joining(parts: Parts, options: Options) -> Iterator[dict[str, Joined]]:
    """By type, the namespaces of other containers that are joined.

    Each is held by a descriptor, for the number of a process that ends meanwhile may become that of
    one of the host.

    Raises:
        Conflict: a container whose namespace is to be joined doesn't run.
    """
    with contextlib.ExitStack() as stack:
        found = {}
        for kind, container_id in spec_namespaces.donors(options.namespaces).items():
            donor = parts.store.find(container_id)
            descriptor = _open_namespace(donor, kind)
            stack.callback(os.close, descriptor)
            found[kind] = Joined(donor, f"/proc/{os.getpid()}/fd/{descriptor}")
        yield found


def _open_namespace(donor: Container, kind: str) -> int:
    try:
        if not donor.running or donor.process is None:
            raise ProcessLookupError
        return donor.process.open_namespace(kind)
    except ProcessLookupError as error:
        raise Conflict(
            f"cannot join the {kind.upper()} namespace of container {donor.name}:"
            " it is not running",
            hint=f"start it first: dockyard start {donor.name}",
            exit_code=125,
        ) from error


def look_up(parts: Parts, container: Container, joined: Mapping[str, Joined]) -> Surroundings:
    """Everything, at the moment of the start.

    Args:
        joined: see :func:`joining`.

    Raises:
        InvalidInput: a device isn't there, or an IPC namespace isn't shareable.
    """
    options = container.options
    paths = {kind: each.path for kind, each in joined.items()}
    ipc = joined.get("ipc")
    facts = parts.facts_for(options.resources)
    limits, _ = spec_resources.limits(options.resources, facts, host_devices.number_of)
    return Surroundings(
        namespaces=spec_namespaces.places(options.namespaces, paths),
        mounts=_shm_mounts(parts, container, None if ipc is None else ipc.donor),
        shm_size=None if options.namespaces.ipc == "none" else options.resources.shm_size,
        limits=limits,
        granted=_granted(options),
        root_propagation=_root_propagation(container),
    )


def vendor_devices(parts: Parts, options: Options, identity: Identity) -> Injection | None:
    """What devices by CDI names, and GPUs, add; ``None`` where none is asked for.

    Raises:
        NotFound: a device isn't described any more.
        InvalidInput, NotSupported: its description can't be followed.
    """
    devices = options.devices
    if not devices.cdi and not devices.gpus:
        return None
    return parts.devices.inject(parts.devices.resolve(devices.cdi, devices.gpus), identity)


def volume_source(parts: Parts, container: Container, mount: Mount) -> str:
    """The host's path of a volume, or of a part of it.

    A part is bound beside the container's root first: whoever writes to the volume could swap a
    directory for a symlink before the runtime follows it.

    Raises:
        InvalidInput: the volume has no such part.
    """
    volume = parts.volumes.path(mount.source or "")
    if not mount.subpath:
        return volume
    number = container.mounts.index(mount)
    target = f"{parts.paths.container(container.id)}/parts/{number}"
    directory = os.open(volume, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        resolve = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
        found = syscalls.openat2(directory, mount.subpath, os.O_PATH, resolve=resolve)
    except OSError as error:
        raise InvalidInput(
            f"cannot access path {mount.subpath} of volume {mount.source}: {error.strerror}",
            hint="it has to exist in the volume before the container starts",
            exit_code=125,
        ) from error
    finally:
        os.close(directory)
    try:
        source = f"/proc/self/fd/{found}"
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        mounts.bind(source, target)
    finally:
        os.close(found)
    return target


def _root_propagation(container: Container) -> str:
    if not any(mount.options for mount in container.mounts if mount.kind == "bind"):
        return ""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        return spec_mounts.root_propagation(container.mounts, stream.read())


def _granted(options: Options) -> Granted:
    devices = options.devices
    found = host_devices.everything() if options.security.privileged else Granted()
    for mapping in devices.mappings:
        found += host_devices.granted(mapping)
    rules = tuple(spec_devices.cgroup_rule(rule) for rule in devices.cgroup_rules)
    return found + Granted(rules=rules)


def _shm_mounts(
    parts: Parts, container: Container, donor: Container | None
) -> tuple[SpecMount, ...]:
    """The mount in place of the container's own ``/dev/shm``."""
    mode = container.options.namespaces.ipc
    if donor is not None:
        mode = donor.options.namespaces.ipc
        if mode not in {"shareable", HOST}:
            raise InvalidInput(
                f"can't join IPC of container {donor.id}: non-shareable IPC",
                hint="run that container with --ipc shareable",
                exit_code=125,
            )
    if mode == HOST:
        return (_bound(SHM, SHM),)
    path = shared_memory.place(parts.paths, container)
    if path is None:
        return ()
    if donor is None:
        _mount_shm(path, container.options.resources.shm_size)
    return (_bound(path, SHM),)


def _bound(source: str, target: str) -> SpecMount:
    return SpecMount(target, "bind", source, ("rbind", "rprivate", "nosuid", "noexec", "nodev"))


def _mount_shm(path: str, size: int) -> None:
    """A ``/dev/shm`` that others can join and that can be looked at after the end.

    It goes with the container's other mounts.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    try:
        syscalls.mount("shm", path, "tmpfs", flags, f"mode=1777,size={size}")
    except OSError as error:
        raise RunError(
            f"cannot mount {path}: {error.strerror}",
            hint="--shm-size, or --ipc host for the host's own, may help",
            exit_code=125,
        ) from error

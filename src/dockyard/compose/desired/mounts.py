"""What is mounted into a service's containers. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from dockyard.arguments.mounts import check_mounts, parse_tmpfs
from dockyard.compose.desired import names
from dockyard.compose.desired.files import Mounted
from dockyard.compose.model.parts import BindOptions, ServiceVolume, TmpfsOptions, VolumeOptions
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Mount
from dockyard.errors import InvalidInput, NotSupported

_BELOW: Final[dict[str, Literal["default", "writable", "read-only"]]] = {
    "": "default", "enabled": "default", "disabled": "default", "writable": "writable",
    "readonly": "read-only",
}  # fmt: skip
_DEFAULT_PROPAGATION: Final = "rprivate"


def mounts(
    project: Project, service: Service, files: Mounted, models: tuple[Mount, ...] = ()
) -> tuple[Mount, ...]:
    """The mounts of a service's containers; volumes come before secrets and configs of a target.

    Raises:
        InvalidInput, NotSupported: one makes no sense, or is of a kind that isn't there.
    """
    own = [
        _mount(project, volume, f"services.{service.name}.volumes[{index}]")
        for index, volume in enumerate(service.volumes)
    ]
    with names.at(f"services.{service.name}.tmpfs"):
        own += [parse_tmpfs(text) for text in service.tmpfs]
    with names.at(f"services.{service.name}.volumes"):
        check_mounts(own)
    taken = {mount.target for mount in own}
    more = [mount for mount in (*files.mounts, *models) if mount.target not in taken]
    return (*own, *more)


def _mount(project: Project, volume: ServiceVolume, where: str) -> Mount:
    if not volume.target.startswith("/"):
        raise InvalidInput(
            f"{where}.target: mount path must be absolute: {volume.target!r}",
            hint="a path in the container, such as /data",
        )
    if volume.type == "bind":
        return _bind(volume, volume.bind or BindOptions(), where)
    if volume.type == "volume":
        return _volume(project, volume, volume.volume or VolumeOptions())
    if volume.type == "tmpfs":
        asked = volume.tmpfs or TmpfsOptions()
        return Mount(
            kind="tmpfs", target=volume.target, read_only=volume.read_only,
            size=int(asked.size) if asked.size else None, mode=asked.mode or None,
        )  # fmt: skip
    raise NotSupported(
        f"{where}.type: mounts of type {volume.type} are not supported",
        hint="there are bind, volume and tmpfs; models are mounted by a service's models",
    )


def _bind(volume: ServiceVolume, asked: BindOptions, where: str) -> Mount:
    if asked.recursive not in _BELOW:
        raise InvalidInput(
            f"{where}.bind.recursive: invalid value {asked.recursive!r}",
            hint="enabled, disabled, writable or readonly",
        )
    propagation = asked.propagation or _DEFAULT_PROPAGATION
    alone = asked.recursive == "disabled"
    plain = propagation == _DEFAULT_PROPAGATION and not alone
    return Mount(
        kind="bind", source=volume.source, target=volume.target, read_only=volume.read_only,
        options=() if plain else ("bind" if alone else "rbind", propagation),
        create_source=asked.create_host_path, relabel=bool(asked.selinux),
        below=_BELOW[asked.recursive],
    )  # fmt: skip


def _volume(project: Project, volume: ServiceVolume, asked: VolumeOptions) -> Mount:
    return Mount(
        kind="volume", source=names.volume_name(project, volume.source) if volume.source else None,
        target=volume.target, read_only=volume.read_only, no_copy=asked.nocopy,
        subpath=asked.subpath, volume_labels=asked.labels,
    )  # fmt: skip


def inherited(
    wanted: tuple[Mount, ...], image_volumes: tuple[str, ...], before: tuple[Mount, ...]
) -> tuple[Mount, ...]:
    """The mounts of a container that stands in for another one, with that one's volumes.

    What the image or the service wants a volume without a name for keeps what was there.

    Args:
        image_volumes: targets that the image declares.
        before: the mounts of the other container, as resolved.
    """
    named = {mount.target: mount for mount in wanted if not _is_anonymous(mount)}
    open_targets = {mount.target for mount in wanted if _is_anonymous(mount)}
    open_targets |= set(image_volumes) - set(named)
    kept = {
        mount.target: mount
        for mount in before
        if mount.kind in {"volume", "bind"} and mount.target in open_targets
    }
    found = [_kept(mount, kept.pop(mount.target, None)) for mount in wanted]
    return (*found, *kept.values())


def _is_anonymous(mount: Mount) -> bool:
    return mount.kind == "volume" and mount.source is None


def _kept(wanted: Mount, before: Mount | None) -> Mount:
    if before is None:
        return wanted
    return msgspec.structs.replace(wanted, kind=before.kind, source=before.source)

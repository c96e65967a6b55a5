"""What is mounted into a container: volumes, binds and models, by name or path."""

from __future__ import annotations

import os

import msgspec

from dockyard.containers import settle, spec, surroundings
from dockyard.containers.model import Container, Mount, Options
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput
from dockyard.oci.image import ExecutionConfig

_MODEL_OPTIONS = ("rbind", "rprivate", "nosuid", "nodev", "noexec")
"""A model is data: what is executed comes with the image."""


def wanted(parts: Parts, config: ExecutionConfig, options: Options) -> tuple[Mount, ...]:
    """The mounts of a container to be; models by their ids.

    Raises:
        InvalidInput: one would hide what makes it a container.
        NotFound: there is no such model.
    """
    asked = (*options.mounts, *settle.donated_mounts(parts, options))
    asked = tuple(_settled(parts, mount) if mount.kind == "model" else mount for mount in asked)
    every = (*asked, *spec.image_volumes(config, asked))
    spec.check_targets(every)
    return every


def _settled(parts: Parts, mount: Mount) -> Mount:
    """The mount of a model by its id: a name may be another's when the container starts again."""
    model = parts.models.find(mount.source or "")
    return msgspec.structs.replace(
        mount, source=model.id, model=mount.model or mount.source or "", read_only=True,
        options=_MODEL_OPTIONS,
    )  # fmt: skip


def resolve_mounts(parts: Parts, container: Container) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """Gives volumes their names, notes who uses models, and checks sources.

    Returns:
        The mounts, and the targets of those whose volume is empty and may take the image's content.

    Raises:
        InvalidInput: the source of a ``--mount type=bind`` doesn't exist.
        NotFound: a model was removed meanwhile.
    """
    resolved, fresh = [], []
    for mount in container.mounts:
        if mount.kind == "volume":
            name = mount.source
            if mount.volume_labels or mount.volume_options:
                name = parts.volumes.create(
                    name, labels=mount.volume_labels, options=mount.volume_options
                ).name
            volume, is_new = parts.volumes.ensure(name, container.id)
            fresh += [mount.target] if is_new and not mount.no_copy else []
            resolved.append(msgspec.structs.replace(mount, source=volume.name))
            continue
        if mount.kind == "model":
            parts.models.use(mount.source or "", container.id)
        if mount.kind == "bind":
            _make_source(mount)
        resolved.append(mount)
    return tuple(resolved), tuple(fresh)


def require_sources(container: Container) -> None:
    """Refuses a container with a bind that has no source, and isn't to be given one.

    Raises:
        InvalidInput: in Docker's words.
    """
    for mount in container.mounts:
        if mount.kind == "bind" and not mount.create_source:
            _make_source(mount)


def source_of(parts: Parts, container: Container, mount: Mount) -> str:
    """The host's path of what is mounted; see :func:`surroundings.volume_source` for a volume."""
    if mount.kind == "volume":
        return surroundings.volume_source(parts, container, mount)
    if mount.kind == "model":
        return parts.models.directory(mount.source or "")
    return mount.source or ""


def _make_source(mount: Mount) -> None:
    source = mount.source or ""
    if os.path.lexists(source):
        return
    if not mount.create_source:
        raise InvalidInput(
            f'invalid mount config for type "bind": bind source path does not exist: {source}',
            hint="make the directory first, or use -v, which makes it",
            exit_code=125,
        )
    try:
        os.makedirs(source, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"cannot make the bind source {source}: {error.strerror}",
            hint="make the directory yourself, or name one that is there",
            exit_code=125,
        ) from error

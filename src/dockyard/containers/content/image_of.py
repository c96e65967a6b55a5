"""What image a container makes: its configuration and a line of history. Pure."""

from __future__ import annotations

import msgspec

from dockyard.containers.model import Container
from dockyard.oci import times
from dockyard.oci.image import ExecutionConfig, History, ImageConfig, RootFilesystem


def execution(container: Container, image: ExecutionConfig) -> ExecutionConfig:
    """How a container of the new image runs: as this one does unless told otherwise."""
    options = container.options
    given = {entry.partition("=")[0]: entry for entry in options.env}
    inherited = [entry for entry in image.env if entry.partition("=")[0] not in given]
    command = options.command
    if command is None and options.entrypoint is None:
        command = image.cmd
    return msgspec.structs.replace(
        image,
        user=options.user or image.user,
        exposed_ports=image.exposed_ports | _ports(container),
        env=(*inherited, *given.values()),
        entrypoint=image.entrypoint if options.entrypoint is None else options.entrypoint or None,
        cmd=command,
        volumes=image.volumes | _volumes(container),
        working_dir=options.working_dir or image.working_dir,
        labels=image.labels | options.labels,
        stop_signal=options.stop_signal or image.stop_signal,
    )


def image_config(
    base: ImageConfig,
    config: ExecutionConfig,
    *,
    diff_id: str | None,
    created_by: str,
    author: str,
    message: str,
    epoch: int,
) -> ImageConfig:
    """The new image's configuration.

    Args:
        base: that of the container's image.
        diff_id: of the new layer; ``None`` where the container changed nothing.
        epoch: the time of the commit, seconds since 1970.
    """
    created = times.rfc3339(epoch)
    line = History(
        created=created, created_by=created_by, author=author, comment=message,
        empty_layer=diff_id is None,
    )  # fmt: skip
    added = () if diff_id is None else (diff_id,)
    return msgspec.structs.replace(
        base,
        created=created,
        author=author or base.author,
        config=config,
        rootfs=RootFilesystem(diff_ids=(*base.rootfs.diff_ids, *added)),
        history=(*base.history, line),
    )


def _ports(container: Container) -> dict[str, dict[str, object]]:
    networking = container.options.networking
    published = [f"{port.container_port}/{port.protocol}" for port in networking.ports]
    exposed = [port if "/" in port else f"{port}/tcp" for port in networking.exposed_ports]
    return {port: {} for port in (*published, *exposed)}


def _volumes(container: Container) -> dict[str, dict[str, object]]:
    """Anonymous volumes, which every container of the image gets anew."""
    mounts = container.options.mounts
    return {one.target: {} for one in mounts if one.kind == "volume" and one.source is None}

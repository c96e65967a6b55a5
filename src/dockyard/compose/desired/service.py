"""A service as the engine is asked for it: from its description to a container's options. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from dockyard.compose import labels, order
from dockyard.compose.desired import files, hashes, health, models, mounts, names, resources
from dockyard.compose.desired.files import Room, WrittenFile
from dockyard.compose.desired.networking import first_container, networking
from dockyard.compose.desired.version import COMPOSE_VERSION
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Console, Logging, Namespaces, Options, Security

_SECOND = 10**9


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """A service's containers as they should be, but for what tells them apart."""

    service: Service
    image: str
    """What it is called."""
    hash: str
    options: Options
    """Of the first container; see :func:`numbered`."""
    files: tuple[WrittenFile, ...] = ()


def desired(project: Project, service: Service, room: Room) -> Desired:
    """What a service's containers are to be made of.

    Raises:
        InvalidInput, NotSupported: what is asked for makes no sense, or isn't there.
    """
    found = files.mounted(project, service, room)
    image = names.image_name(project, service)
    options = _options(project, service, found)
    return Desired(
        service=service, image=image, hash=hashes.config_hash(service, image, options),
        options=options, files=found.files,
    )  # fmt: skip


def numbered(
    project: Project, wanted: Desired, number: int, image_id: str, *, replaces: str = "",
    donors: Mapping[str, str] | None = None,
) -> Options:  # fmt: skip
    """The options of one container: with its name and labels.

    Args:
        image_id: the image that it is made from.
        replaces: what the container is called that it stands in for.
        donors: names of containers whose namespaces or volumes it has, by the expected ones.
    """
    service = wanted.service
    own = {
        labels.PROJECT: project.name,
        labels.SERVICE: service.name,
        labels.NUMBER: str(number),
        labels.ONEOFF: "False",
        labels.HASH: wanted.hash,
        labels.IMAGE: image_id,
        labels.VERSION: COMPOSE_VERSION,
        labels.DEPENDS_ON: labels.written_dependencies(order.needs(service)),
        **project_labels(project),
    }
    if replaces:
        own[labels.REPLACE] = replaces
    return msgspec.structs.replace(
        _joining(wanted.options, donors or {}),
        name=names.container_name(project, service, number),
        labels=wanted.options.labels | own,
    )


def _joining(options: Options, donors: Mapping[str, str]) -> Options:
    """The options with other containers in place of those that they name."""
    if not donors:
        return options
    modes = {order.CONTAINER_PREFIX + name: order.CONTAINER_PREFIX + other
             for name, other in donors.items()}  # fmt: skip
    network, namespaces = options.networking.network, options.namespaces
    volumes = [entry.partition(":") for entry in options.volumes_from]
    return msgspec.structs.replace(
        options,
        networking=msgspec.structs.replace(options.networking, network=modes.get(network, network)),
        namespaces=msgspec.structs.replace(
            namespaces,
            pid=modes.get(namespaces.pid or "", namespaces.pid),
            ipc=modes.get(namespaces.ipc or "", namespaces.ipc),
        ),
        volumes_from=tuple(
            f"{donors.get(name, name)}{colon}{access}" for name, colon, access in volumes
        ),
    )


def project_labels(project: Project) -> dict[str, str]:
    """Where a project's files are."""
    found = {
        labels.WORKING_DIR: project.working_dir,
        labels.CONFIG_FILES: labels.joined(project.files),
    }
    if project.env_files:
        found[labels.ENVIRONMENT_FILES] = labels.joined(project.env_files)
    return found


def _options(project: Project, service: Service, found: files.Mounted) -> Options:
    served = models.models(project, service)
    return Options(
        command=service.command,
        entrypoint=service.entrypoint,
        env=tuple(_environment(service, served.env)),
        labels=dict(service.labels),
        annotations=dict(service.annotations),
        hostname=service.hostname or None,
        domainname=service.domainname or None,
        user=service.user or None,
        groups=service.group_add,
        working_dir=service.working_dir or None,
        mounts=mounts.mounts(project, service, found, served.mounts),
        volumes_from=tuple(_volumes_from(project, service)),
        read_only=service.read_only,
        init=service.init is True,
        stop_signal=service.stop_signal or None,
        stop_timeout=_seconds(service.stop_grace_period),
        runtime=service.runtime or None,
        platform=service.platform or project.environment.get("DOCKER_DEFAULT_PLATFORM") or None,
        resources=resources.resources(service),
        networking=networking(project, service),
        logging=_logging(service),
        health=health.health(service),
        restart=health.restart(service),
        security=_security(service),
        console=Console(tty=service.tty, interactive=service.stdin_open),
        namespaces=_namespaces(project, service),
        devices=resources.devices(service),
    )


def _environment(service: Service, more: dict[str, str]) -> Iterator[str]:
    """``NAME=value``; a name alone takes the image's variable away."""
    for name, value in sorted((more | service.environment).items()):
        yield name if value is None else f"{name}={value}"


def _volumes_from(project: Project, service: Service) -> Iterator[str]:
    for entry in service.volumes_from:
        if entry.startswith(order.CONTAINER_PREFIX):
            yield entry.removeprefix(order.CONTAINER_PREFIX)
            continue
        name, colon, access = entry.partition(":")
        container = first_container(project, name).removeprefix(order.CONTAINER_PREFIX)
        yield f"{container}{colon}{access}"


def _seconds(duration: int | None) -> int | None:
    """Whole seconds, as Docker counts them."""
    return None if duration is None else duration // _SECOND


def _logging(service: Service) -> Logging:
    asked = service.logging
    if asked is None:
        return Logging()
    return Logging(driver=asked.driver or None, options=dict(asked.options))


def _security(service: Service) -> Security:
    return Security(
        privileged=service.privileged,
        cap_add=service.cap_add,
        cap_drop=service.cap_drop,
        options=service.security_opt,
    )


def _namespaces(project: Project, service: Service) -> Namespaces:
    return Namespaces(
        pid=_joined(project, service.pid),
        ipc=_joined(project, service.ipc),
        uts=service.uts or None,
        user=service.userns_mode or None,
        cgroup=service.cgroup or None,
        sysctls=dict(service.sysctls),
    )


def _joined(project: Project, mode: str) -> str | None:
    if mode.startswith(order.SERVICE_PREFIX):
        return first_container(project, mode.removeprefix(order.SERVICE_PREFIX))
    return mode or None

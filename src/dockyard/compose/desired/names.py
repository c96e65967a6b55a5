"""What a project's containers, images and such are called. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import DockyardError


def container_name(project: Project, service: Service, number: int) -> str:
    """``PROJECT-SERVICE-NUMBER``, unless the service says otherwise."""
    return service.container_name or project.separator.join(
        (project.name, service.name, str(number))
    )


def image_name(project: Project, service: Service) -> str:
    """The image that a service runs; one that is built may go without a name of its own."""
    return service.image or f"{project.name}{project.separator}{service.name}"


def network_name(project: Project, key: str) -> str:
    """What the engine calls one of a project's networks."""
    network = project.networks.get(key)
    return (network.name if network is not None else "") or f"{project.name}_{key}"


def volume_name(project: Project, key: str) -> str:
    """What the engine calls one of a project's volumes; another one's name as it is."""
    volume = project.volumes.get(key)
    return key if volume is None else volume.name or f"{project.name}_{key}"


@contextlib.contextmanager
def at(path: str) -> Iterator[None]:
    """Has errors say which value of the project is meant: ``services.web.ports[0]: ...``."""
    try:
        yield
    except DockyardError as error:
        if not error.message.startswith(path):
            error.message = f"{path}: {error.message}"
            error.args = (error.message,)
        raise

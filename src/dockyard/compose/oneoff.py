"""Containers of ``compose run``: a service's, with another command and what else is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from dockyard.compose import labels
from dockyard.compose.desired import names
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Mount, Options
from dockyard.networks.model import Connection, PortMapping

_SHORT = 12


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``compose run`` was asked for; what isn't given is the service's."""

    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    """Another one takes the service's command away, too."""
    env: dict[str, str] = {}
    labels: dict[str, str] = {}
    name: str = ""
    user: str = ""
    working_dir: str = ""
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    service_ports: bool = False
    """Publish the service's ports, which the service itself may have."""
    use_aliases: bool = False
    """Be found by the service's names."""
    tty: bool = False
    interactive: bool = False
    remove: bool = False


def service(original: Service, asked: RunOptions) -> Service:
    """The service as the container is to be made from it."""
    command = original.command
    if asked.command:
        command = asked.command
    elif asked.entrypoint is not None:
        command = ()
    deploy = original.deploy and replace(original.deploy, restart_policy=None, replicas=None)
    return replace(
        original,
        command=command,
        entrypoint=original.entrypoint if asked.entrypoint is None else asked.entrypoint,
        environment={**original.environment, **asked.env},
        labels={**original.labels, **asked.labels},
        user=asked.user or original.user,
        working_dir=asked.working_dir or original.working_dir,
        cap_add=_added(original.cap_add, asked.cap_add, asked.cap_drop),
        cap_drop=_added(original.cap_drop, asked.cap_drop, asked.cap_add),
        ports=original.ports if asked.service_ports else (),
        tty=asked.tty,
        stdin_open=asked.interactive,
        container_name="",
        scale=1,
        restart="",
        deploy=deploy,
    )


def _added(own: Iterable[str], added: tuple[str, ...], taken: Iterable[str]) -> tuple[str, ...]:
    return (*(each for each in own if each not in taken), *added)


def options(project: Project, made: Options, asked: RunOptions, slug: str) -> Options:
    """The container's options: with a name and labels of its own.

    Args:
        made: those of the service's first container.
        slug: 64 hexadecimal digits that nobody else has.
    """
    own = {name: value for name, value in made.labels.items() if name != labels.NUMBER}
    own |= {labels.ONEOFF: "True", labels.SLUG: slug}
    name = project.separator.join((project.name, made.labels[labels.SERVICE], "run", slug[:_SHORT]))
    networking = made.networking
    if not asked.use_aliases and networking.connections is not None:
        found = tuple(_without_aliases(each) for each in networking.connections)
        networking = replace(networking, connections=found)
    return replace(
        made,
        name=asked.name or name,
        labels=own,
        mounts=_mounts(project, made.mounts, asked.mounts),
        networking=replace(networking, ports=(*networking.ports, *asked.ports)),
        remove=asked.remove,
    )


def _without_aliases(connection: Connection) -> Connection:
    return replace(connection, aliases=())


def _mounts(project: Project, own: Iterable[Mount], asked: Iterable[Mount]) -> tuple[Mount, ...]:
    """What is asked for takes the place of what is mounted there."""
    found = [_of_project(project, each) for each in asked]
    targets = {each.target for each in found}
    return (*(each for each in own if each.target not in targets), *found)


def _of_project(project: Project, mount: Mount) -> Mount:
    """A volume that the project describes is called as it says."""
    if mount.kind != "volume" or mount.source not in project.volumes:
        return mount
    return replace(mount, source=names.volume_name(project, mount.source))


def environment(
    project: Project, given: Mapping[str, str | None], files: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """The variables of ``-e``, before those of files; a name alone has the project's value."""
    found: dict[str, str] = {}
    for each in files:
        found |= {name: value for name, value in each.items() if name not in found}
    for name, value in given.items():
        known = project.environment.get(name) if value is None else value
        if known is not None:
            found[name] = known
    return found

"""Parts of a project: some services with what they need, or what needs them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Literal, TypeVar

from msgspec.structs import replace

from dockyard.compose import choice
from dockyard.compose.model.parts import Dependency
from dockyard.compose.model.project import Network, Project, Volume
from dockyard.compose.model.service import Service
from dockyard.compose.observe import Stack
from dockyard.errors import NotFound

T = TypeVar("T")
_SECRET = "secret:"  # noqa: S105  # how a reference begins, not a password

Along = Literal["dependencies", "dependents", "nothing"]
"""What comes along with services that are named."""


def service_of(project: Project, name: str) -> Service:
    """An active service.

    Raises:
        NotFound: there is none of that name, or its profile isn't active.
    """
    if name in project.services:
        return project.services[name]
    raise _inactive(project, name)


def _inactive(project: Project, name: str) -> NotFound:
    """The error for a name that no active service has."""
    if name not in project.disabled:
        return choice.no_such_service(name, {*project.services, *project.disabled})
    profiles = ", ".join(project.disabled[name].profiles)
    hint = f"its profile ({profiles}) is not active: --profile activates one" if profiles else ""
    return NotFound(f"no such service: {name}: disabled", hint=hint or None)


def enabled(project: Project, names: Iterable[str]) -> Project:
    """The project with the profiles of the named services active too."""
    named = (project.disabled[name].profiles for name in names if name in project.disabled)
    profiles = choice.profiles(project.profiles, named)
    if profiles == project.profiles:
        return project
    everything = {**project.services, **project.disabled}
    active = {name: one for name, one in everything.items()
              if choice.is_active(one.profiles, profiles)}  # fmt: skip
    rest = {name: one for name, one in everything.items() if name not in active}
    return replace(project, services=active, disabled=rest, profiles=profiles)


def selected(project: Project, names: Collection[str], along: Along = "dependencies") -> Project:
    """The project with the named services alone, and what comes along; all where none is named.

    Names may be patterns, as Docker's. Dependencies on services that are left out go.

    Raises:
        NotFound: a name is no active service's.
    """
    if not names:
        return project
    chosen = choice.chosen(
        names, project.services, lambda name: _along(project, name, along),
        lambda name: _inactive(project, name),
    )  # fmt: skip
    return without(project, project.services.keys() - chosen)


def _along(project: Project, name: str, along: Along) -> Iterable[tuple[str, bool]]:
    if along == "dependencies":
        return [(other, each.required) for other, each in project.services[name].depends_on.items()]
    if along == "dependents":
        return [(other, one.depends_on[name].required)
                for other, one in project.services.items() if name in one.depends_on]  # fmt: skip
    return ()


def without(project: Project, names: Collection[str]) -> Project:
    """The project without some services; the others don't depend on them any more."""
    if not names:
        return project
    kept = {
        name: replace(one, depends_on={other: each for other, each in one.depends_on.items()
                                       if other not in names})
        for name, one in project.services.items()
        if name not in names
    }  # fmt: skip
    gone = {name: one for name, one in project.services.items() if name in names}
    return replace(project, services=kept, disabled={**project.disabled, **gone})


def needed(project: Project) -> Project:
    """The project with the networks, volumes, secrets, configs and models that services use.

    External networks and volumes stay all: whoever removes has to know that they are not its own.
    """
    services = project.services.values()
    networks = {name for one in services for name in one.networks}
    volumes = {each.source for one in services for each in one.volumes if each.type == "volume"}
    secrets = {each.source for one in services for each in one.secrets}
    secrets |= {each.source for one in services if one.build for each in one.build.secrets}
    every = (*services, *project.disabled.values())  # what extensions say counts as a whole
    secrets |= {name for one in every for name in _secrets_in(one.extensions)}
    return replace(
        project,
        networks=_only(project.networks, networks | _external(project.networks)),
        volumes=_only(project.volumes, volumes | _external(project.volumes)),
        secrets=_only(project.secrets, secrets),
        configs=_only(project.configs, {each.source for one in services for each in one.configs}),
        models=_only(project.models, {name for one in services for name in one.models}),
    )


def _secrets_in(value: object) -> Iterator[str]:
    """Names of secrets in an extension, such as ``secret:keys``."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _secrets_in(each)
    elif isinstance(value, str) and value.startswith(_SECRET):
        yield value.removeprefix(_SECRET)


def _external(values: Mapping[str, Network] | Mapping[str, Volume]) -> set[str]:
    return {name for name, value in values.items() if value.external}


def _only(values: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: value for name, value in values.items() if name in names}


def with_services(project: Project, change: Callable[[Service], Service]) -> Project:
    """The project with each of its active services changed."""
    return replace(project, services={name: change(one) for name, one in project.services.items()})


def scaled(project: Project, counts: Mapping[str, int]) -> Project:
    """The project with other numbers of containers for some services.

    Raises:
        NotFound: there is no such service.
    """
    for name in counts:
        service_of(project, name)

    def resized(service: Service) -> Service:
        return replace(service, scale=counts.get(service.name, service.scale))

    return with_services(project, resized)


def of_stack(stack: Stack) -> Project:
    """The project as its containers' labels tell of it, where there are no files.

    Raises:
        NotFound: it has no containers.
    """
    services: dict[str, Service] = {}
    for each in stack.lasting:
        known = services.get(each.service)
        services[each.service] = Service(
            name=each.service,
            image=each.image,
            depends_on=_as_far_as_present(each.depends_on),
            scale=1 + (0 if known is None else known.scale or 0),
        )
    if not services:
        raise NotFound(
            f'no container found for project "{stack.name}"',
            hint="dockyard compose ls -a lists projects that have containers",
        )
    return Project(name=stack.name, services=services)


def _as_far_as_present(dependencies: Mapping[str, Dependency]) -> dict[str, Dependency]:
    """A service whose containers were removed by hand keeps nobody from what is left."""
    return {name: replace(each, required=False) for name, each in dependencies.items()}


def restarted(project: Project, names: Collection[str], *, dependents: bool) -> Project:
    """The services to restart with some: those that depend on them with ``restart: true``.

    Raises:
        NotFound: a name is no active service's.
    """

    def restarting(service: Service) -> Service:
        kept = {name: each for name, each in service.depends_on.items() if each.restart}
        return replace(service, depends_on=kept)

    chosen = project if dependents else selected(project, names, "nothing")
    return selected(with_services(chosen, restarting), names, "dependents")

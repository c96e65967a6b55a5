"""What is built for a project's services, and in what order. Pure."""

from __future__ import annotations

import io
import os.path
from collections.abc import Collection, Iterable, Mapping
from typing import BinaryIO

import msgspec

from dockyard.build.grants import INSECURE, StepOptions, parse_host, parse_network
from dockyard.build.mounts.agents import parse_ssh
from dockyard.build.remote import address
from dockyard.compose import labels, order
from dockyard.compose.desired.names import at, image_name
from dockyard.compose.desired.version import COMPOSE_VERSION
from dockyard.compose.model.parts import Build, FileReference, Ulimit
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Ulimit as Limit
from dockyard.errors import InvalidInput, NotSupported

SERVICE = "service:"
"""How an additional context begins that is another service's image."""
_NO_ATTESTATIONS = "attestations come with signing: leave it out"
_OFF = frozenset({"", "false"})


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``compose build`` was asked for beside what the files say."""

    args: dict[str, str | None] = {}
    no_cache: bool = False
    pull: bool = False
    push: bool = False
    ssh: tuple[str, ...] = ()
    to_run: bool = False
    """The images are for containers of this host, whatever other platforms the files name."""


class BuildSecret(msgspec.Struct, frozen=True):
    """A secret of a build: its value, or the path of the file that has it."""

    id: str
    value: str = ""
    path: str = ""
    variable: str = ""
    """That the value comes from."""

    def __repr__(self) -> str:
        """Without the value, which must not get into any message."""
        return f"BuildSecret(id={self.id!r})"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One image to build; see :meth:`dockyard.engine.Engine.build`."""

    service: str
    image: str
    """What it is called; ``tags`` are further names."""
    context: str
    dockerfile: str | None = None
    inline: str = ""
    """The Dockerfile itself."""
    tags: tuple[str, ...] = ()
    args: dict[str, str] = {}
    contexts: dict[str, str] = {}
    target: str | None = None
    labels: dict[str, str] = {}
    no_cache: bool = False
    pull: bool = False
    platform: str | None = None
    secrets: tuple[BuildSecret, ...] = ()
    ssh: dict[str, tuple[str, ...]] = {}
    allow: tuple[str, ...] = ()
    steps: StepOptions = StepOptions()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    """The names under which it is sent to registries."""

    @property
    def source(self) -> str | BinaryIO | None:
        """The Dockerfile: its path, or a stream of it."""
        return io.BytesIO(self.inline.encode()) if self.inline else self.dockerfile


def jobs(project: Project, names: Collection[str], options: BuildOptions) -> dict[str, Job]:
    """What is built for the named services, and for those whose images they build upon.

    Raises:
        InvalidInput, NotSupported: a build that makes no sense, or wants what isn't there.
    """
    services = {**project.services, **project.disabled}
    return {
        name: job(project, services[name], options)
        for name in _with_contexts(services, names)
        if services[name].build is not None
    }


def _with_contexts(services: Mapping[str, Service], names: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        for key, other in contexts_of(services[name]).items():
            if other not in services:
                raise InvalidInput(
                    f"services.{name}.build.additional_contexts.{key}: no such service: {other}",
                    hint=f"services are {', '.join(sorted(services))}",
                )
            waiting.append(other)
    return list(found)


def contexts_of(service: Service) -> dict[str, str]:
    """The services whose images a build uses, by the names that its Dockerfile has for them."""
    if service.build is None:
        return {}
    return {
        key: value.removeprefix(SERVICE)
        for key, value in service.build.additional_contexts.items()
        if value.startswith(SERVICE)
    }


def needed(project: Project, built: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each service that is built those whose builds come first.

    These are the ones whose images it builds upon; and, as far as that makes no circle, those that
    it depends on, for a Dockerfile may begin with the image of one.

    Raises:
        InvalidInput: builds wait for each other.
    """
    services = {**project.services, **project.disabled}
    found = {
        name: {other for other in contexts_of(services[name]).values() if other in built}
        for name in built
    }
    for name in built:
        if name in order.closure(found, found[name]):
            raise InvalidInput(
                f"services.{name}.build.additional_contexts: it builds upon its own image",
                hint="take one of the contexts that begin with service: out of the circle",
            )
    for name in sorted(built):
        for other in sorted(services[name].depends_on):
            if other in found and name not in order.closure(found, (other,)):
                found[name].add(other)
    return {name: tuple(sorted(each)) for name, each in found.items()}


def job(project: Project, service: Service, options: BuildOptions) -> Job:
    """The image of one service; see :func:`jobs` for what is raised."""
    build = service.build or Build()
    path = f"services.{service.name}.build"
    _refuse(build, path)
    image = image_name(project, service)
    names = (image, *build.tags)
    return Job(
        service=service.name,
        image=image,
        context=build.context,
        dockerfile=None if build.dockerfile_inline else _dockerfile(build),
        inline=build.dockerfile_inline,
        tags=build.tags,
        args=_args(project, build, options),
        contexts=_contexts(project, build),
        target=build.target or None,
        labels=_labels(project, service, build),
        no_cache=build.no_cache or options.no_cache,
        pull=build.pull or options.pull,
        platform=_platform(project, service, build, path, options),
        secrets=tuple(_secret(project, each, path) for each in build.secrets),
        ssh=dict(parse_ssh(each) for each in (*build.ssh, *options.ssh)),
        allow=(*build.entitlements, *((INSECURE,) if build.privileged else ())),
        steps=_steps(build, path),
        cache_from=build.cache_from,
        cache_to=build.cache_to,
        push=names if options.push and service.image else (),
    )


def _refuse(build: Build, path: str) -> None:
    """Refuses by name what there is no way to do."""
    if build.isolation not in {"", "default"}:
        raise NotSupported(f"{path}.isolation: {build.isolation} is not supported",
                           hint="it is for Windows: leave it out")  # fmt: skip
    for name in ("provenance", "sbom"):
        if getattr(build, name).lower() not in _OFF:
            raise NotSupported(f"{path}.{name} is not supported", hint=_NO_ATTESTATIONS)


def _dockerfile(build: Build) -> str | None:
    """Its path; that of one in a remote context is relative to the context's top."""
    if not build.dockerfile or address.is_remote(build.context):
        return build.dockerfile or None
    return os.path.join(build.context, build.dockerfile)


def _args(project: Project, build: Build, options: BuildOptions) -> dict[str, str]:
    """Those without a value have the project's; those that it lacks too are left out."""
    given = {**build.args, **options.args}
    found = {
        name: project.environment.get(name) if value is None else value
        for name, value in given.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _contexts(project: Project, build: Build) -> dict[str, str]:
    services = {**project.services, **project.disabled}
    found = {}
    for name, value in build.additional_contexts.items():
        other = services.get(value.removeprefix(SERVICE)) if value.startswith(SERVICE) else None
        found[name] = value if other is None else f"docker-image://{image_name(project, other)}"
    return found


def _labels(project: Project, service: Service, build: Build) -> dict[str, str]:
    own = {
        labels.VERSION: COMPOSE_VERSION,
        labels.PROJECT: project.name,
        labels.SERVICE: service.name,
    }
    return {**build.labels, **own}


def _platform(
    project: Project, service: Service, build: Build, path: str, options: BuildOptions
) -> str | None:
    """The one platform that an image is for; this host's where ``None``."""
    wanted = service.platform or project.environment.get("DOCKER_DEFAULT_PLATFORM", "")
    if wanted and build.platforms and wanted not in build.platforms:
        raise InvalidInput(
            f'service "{service.name}" build configuration does not support platform: {wanted}',
            hint=f"{path}.platforms has {', '.join(build.platforms)}",
        )
    if options.to_run and (wanted or len(build.platforms) > 1):
        return wanted or None
    if len(build.platforms) > 1:
        raise NotSupported(
            f"{path}.platforms: an image is for one platform",
            hint="name one of them, or build one image for each, each with a name of its own",
        )
    return next(iter(build.platforms), wanted) or None


def _secret(project: Project, reference: FileReference, path: str) -> BuildSecret:
    known = project.secrets.get(reference.source)
    name = reference.target or reference.source
    where = f"{path}.secrets"
    if known is None:
        raise InvalidInput(f"{where}: undefined secret {reference.source}",
                           hint="describe it under secrets")  # fmt: skip
    if known.environment:
        if known.environment not in project.environment:
            raise InvalidInput(
                f'{where}: environment variable "{known.environment}" required by secret'
                f' "{reference.source}" is not set',
                hint="export it, or give it in .env",
            )
        value = project.environment[known.environment]
        return BuildSecret(name, value=value, variable=known.environment)
    if known.content:
        return BuildSecret(name, value=known.content)
    if known.file:
        return BuildSecret(name, path=known.file)
    raise NotSupported(f"{where}: secret {reference.source} is external",
                       hint="give it a file, an environment variable or content")  # fmt: skip


def _steps(build: Build, path: str) -> StepOptions:
    with at(f"{path}.network"):
        network = parse_network(build.network)
    with at(f"{path}.extra_hosts"):
        hosts = tuple(map(parse_host, build.extra_hosts))
    return StepOptions(
        network=network,
        allow=frozenset({"network.host"} if network == "host" else ()),
        hosts=hosts,
        shm_size=build.shm_size,
        ulimits=tuple(_limit(name, each) for name, each in build.ulimits.items()),
    )


def _limit(name: str, value: int | Ulimit) -> Limit:
    if isinstance(value, int):
        return Limit(name, value, value)
    return Limit(name, value.soft, value.hard)

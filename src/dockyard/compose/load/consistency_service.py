"""What is wrong with a service, given the rest of its project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dockyard.compose.load.place import Path
from dockyard.compose.load.problem import suggestion
from dockyard.compose.load.profiles import Selection

Tree = dict[str, Any]
Wrong = tuple[Path, str, str | None]

_SERVICE: Final = "service:"
_TESTS: Final = ("CMD", "CMD-SHELL", "NONE")
_WITHOUT_TARGET: Final = ("rebuild", "restart")


class Named:
    """What a project has, by name."""

    def __init__(self, selection: Selection) -> None:
        self.services = selection.services
        self.disabled = selection.disabled
        self._tree = selection.tree

    def missing(self, kind: str, name: str, path: Path) -> Iterator[Wrong]:
        """That there is no such network, volume, …"""
        known = self._tree.get(kind, {})
        if name not in known:
            hint = suggestion(name, known) or f"declare it at the top level, below {kind}"
            yield path, f"there is no {kind.removesuffix('s')} {name!r}", hint

    def no_service(self, name: str, path: Path) -> Wrong:
        """That there is no such service, or that none of its profiles is active."""
        if name in self.disabled:
            profiles = " or ".join(self.disabled[name].get("profiles", ()))
            hint = f"--profile {profiles} starts it" if profiles else None
            return path, f"service {name!r} isn't active", hint
        return path, f"there is no service {name!r}", suggestion(name, self.services)


def service_wrongs(name: str, service: Tree, named: Named) -> Iterator[Wrong]:
    """What is wrong with a decoded service."""
    path: Path = ("services", name)
    if not any(service.get(key) for key in ("image", "provider")) and "build" not in service:
        yield path, "has neither an image nor a build", "say image: or build:"
    yield from _build(path, service, named)
    yield from _networks(path, service, named)
    yield from _dependencies(path, service, named)
    yield from _references(path, service, named)
    yield from _scale(path, service)
    yield from _limits(path, service)
    yield from _health(path, service)
    yield from _watches(path, service)
    yield from _targets(path, service)


def _build(path: Path, service: Tree, named: Named) -> Iterator[Wrong]:
    build = service.get("build", {})
    path = (*path, "build")
    if build.get("dockerfile") and build.get("dockerfile_inline"):
        yield path, "dockerfile and dockerfile_inline exclude each other", "leave one out"
    for name, context in build.get("additional_contexts", {}).items():
        if context.startswith(_SERVICE):
            other = context.removeprefix(_SERVICE)
            where = (*path, "additional_contexts", name)
            if other not in named.services:
                yield named.no_service(other, where)
            elif "build" not in named.services[other]:
                yield where, f"service {other!r} isn't built", None
    platform, platforms = service.get("platform"), build.get("platforms", ())
    if platform and platforms and platform not in platforms:
        yield (*path, "platforms"), f"doesn't have the service's platform {platform}", None


def _networks(path: Path, service: Tree, named: Named) -> Iterator[Wrong]:
    mode, networks = service.get("network_mode", ""), service.get("networks", {})
    if mode and networks:
        message = "network_mode and networks exclude each other"
        yield (*path, "network_mode"), message, "leave one out"
    for name in networks:
        yield from named.missing("networks", name, (*path, "networks", name))
    other = mode.removeprefix(_SERVICE)
    if mode.startswith(_SERVICE) and other not in named.services:
        yield named.no_service(other, (*path, "network_mode"))


def _dependencies(path: Path, service: Tree, named: Named) -> Iterator[Wrong]:
    for name, dependency in service.get("depends_on", {}).items():
        optional = name in named.disabled and not dependency["required"]
        if name not in named.services and not optional:
            yield named.no_service(name, (*path, "depends_on", name))


def _references(path: Path, service: Tree, named: Named) -> Iterator[Wrong]:
    for index, volume in enumerate(service.get("volumes", ())):
        if volume.get("type") == "volume" and volume.get("source"):
            yield from named.missing("volumes", volume["source"], (*path, "volumes", index))
    for kind, element, where in (
        ("secrets", service.get("build", {}), (*path, "build")),
        ("secrets", service, path),
        ("configs", service, path),
    ):
        for index, reference in enumerate(element.get(kind, ())):
            yield from named.missing(kind, reference.get("source", ""), (*where, kind, index))
    for name in service.get("models", {}):
        yield from named.missing("models", name, (*path, "models", name))


def _scale(path: Path, service: Tree) -> Iterator[Wrong]:
    scale, replicas = service.get("scale"), service.get("deploy", {}).get("replicas")
    if None not in {scale, replicas} and scale != replicas:
        yield (*path, "scale"), f"is {scale}, but deploy.replicas is {replicas}", "leave one out"
    for where, number in (("scale",), scale), (("deploy", "replicas"), replicas):
        if number is not None and number < 0:
            yield (*path, *where), "can't be less than 0", None
    count = replicas if scale is None else scale
    if count is not None and count > 1 and service.get("container_name"):
        hint = "without container_name each container gets a name of its own"
        message = f"{count} containers can't have the same name"
        yield (*path, "container_name"), message, hint


def _limits(path: Path, service: Tree) -> Iterator[Wrong]:
    resources = service.get("deploy", {}).get("resources", {})
    for own, kind, other, none in (
        ("cpus", "limits", "cpus", 0),
        ("mem_limit", "limits", "memory", "0"),
        ("mem_reservation", "reservations", "memory", "0"),
        ("pids_limit", "limits", "pids", 0),
    ):
        value = service.get(own, none)
        if value != none and kind in resources and resources[kind].get(other, none) != value:
            message = f"differs from deploy.resources.{kind}.{other}"
            yield (*path, own), message, "leave one out, or say the same"


def _health(path: Path, service: Tree) -> Iterator[Wrong]:
    test = service.get("healthcheck", {}).get("test", ())
    if test and test[0] not in _TESTS:
        hint = "a test in one text is given to the shell"
        message = f"must begin with CMD, CMD-SHELL or NONE, not {test[0]!r}"
        yield (*path, "healthcheck", "test"), message, hint


def _watches(path: Path, service: Tree) -> Iterator[Wrong]:
    for index, watch in enumerate(service.get("develop", {}).get("watch", ())):
        if not watch.get("target") and watch["action"] not in _WITHOUT_TARGET:
            where = (*path, "develop", "watch", index)
            yield where, f"{watch['action']} needs a target", None


def _targets(path: Path, service: Tree) -> Iterator[Wrong]:
    """Nothing is mounted over something else."""
    tmpfs = [text.partition(":")[0] for text in service.get("tmpfs", ())]
    volumes = [volume.get("target", "") for volume in service.get("volumes", ())]
    taken: set[str] = set()
    for kind, targets in (("tmpfs", tmpfs), ("volumes", volumes)):
        for index, target in enumerate(targets):
            if target in taken:
                yield (*path, kind, index), f"something else is mounted on {target!r} too", None
            taken.add(target)

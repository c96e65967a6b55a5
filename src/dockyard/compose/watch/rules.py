"""Which changes of files mean what for which service. Pure."""

from __future__ import annotations

import os.path
import posixpath
from collections.abc import Collection, Iterable, Mapping

import msgspec

from dockyard.build.dockerfile.ignore import IgnoreRules, compile_list
from dockyard.compose.desired.names import at
from dockyard.compose.model.parts import Hook, Watch
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import InvalidInput

_SYNCING = frozenset({"sync", "sync+restart", "sync+exec"})
_PASSING = (
    "**/.git", "**/.idea/**", "**/*___jb_old___", "**/*___jb_tmp___", "**/.#*", "**/#*#",
    "**/4913", "**/*~", "**/.*.swp", "**/.*.swx", "**/.*.swo", "**/.*.swn", "**/.*.kate-swp",
    "**/*-go-tmp-umask",
)  # fmt: skip
"""Files that editors and tools make and take away while they write others."""


class Patterns:
    """Patterns of paths below one directory."""

    def __init__(self, root: str, patterns: Iterable[str]) -> None:
        self._root = root.rstrip("/") or "/"
        given = [each.strip() for each in patterns]
        if "*" in given:  # as in Compose: only what is brought back counts beside it
            given = [each for each in given if each.startswith("!")]
        self._rules: IgnoreRules = compile_list(given)

    def match(self, path: str) -> bool:
        """Whether one of them fits the path, or a directory above it."""
        below = os.path.relpath(path, self._root)
        return not below.startswith("../") and self._rules.excludes(below)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a service's ``develop.watch``."""

    service: str
    watch: Watch
    ignored: tuple[Patterns, ...]
    included: Patterns | None

    @property
    def syncs(self) -> bool:
        return self.watch.action in _SYNCING

    def fits(self, path: str) -> bool:
        """Whether a change of that file is one of those meant."""
        top = self.watch.path.rstrip("/")
        if path != top and not path.startswith(f"{top}/"):
            return False
        if self.included is not None and not self.included.match(path):
            return False
        return not self.ignores(path)

    def ignores(self, path: str) -> bool:
        """Whether nothing at or below that path is meant."""
        return any(each.match(path) for each in self.ignored)

    def inside(self, path: str) -> str:
        """Where a file is in the containers."""
        below = os.path.relpath(path, self.watch.path)
        return posixpath.normpath(posixpath.join(self.watch.target, below))


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about some changes."""

    rebuild: tuple[str, ...] = ()
    """Services, as ``restart``."""
    sync: dict[str, dict[str, str]] = {}
    """For each service paths of this host to those in its containers."""
    restart: tuple[str, ...] = ()
    exec: tuple[tuple[str, Hook], ...] = ()


def rules(project: Project, ignores: Mapping[str, Iterable[str]]) -> tuple[Rule, ...]:
    """The rules of a project's services.

    Args:
        ignores: the patterns of the ``.dockerignore`` of each service's build.

    Raises:
        InvalidInput: a rule can't be followed.
    """
    return tuple(
        _rule(service, index, watch, ignores.get(name, ()))
        for name, service in project.services.items()
        if service.develop is not None
        for index, watch in enumerate(service.develop.watch)
    )


def _rule(service: Service, index: int, watch: Watch, ignores: Iterable[str]) -> Rule:
    where = f"services.{service.name}.develop.watch[{index}]"
    _check(service, watch, where)
    context = "" if service.build is None else service.build.context
    with at(where):
        ignored = (
            Patterns("/", _PASSING),
            Patterns(watch.path, watch.ignore),
            *((Patterns(context, ignores),) if context else ()),
        )
        included = Patterns(watch.path, watch.include) if watch.include else None
    return Rule(service=service.name, watch=watch, ignored=ignored, included=included)


def _check(service: Service, watch: Watch, where: str) -> None:
    if watch.action == "rebuild" and service.build is None:
        raise InvalidInput(
            f'{where}: can\'t watch service "{service.name}" with action rebuild without a build'
            " context",
            hint="give the service a build, or choose sync or restart",
        )
    if watch.action in _SYNCING and not watch.target:
        raise InvalidInput(f"{where}: action {watch.action} needs a target",
                           hint="target is where the files are in the container")  # fmt: skip
    if watch.action == "sync+exec" and not (watch.exec and watch.exec.command):
        raise InvalidInput(f"{where}: action sync+exec needs a command",
                           hint="exec: has command:")  # fmt: skip


def is_mounted(path: str, service: Service) -> bool:
    """Whether a directory of this host is mounted into the service anyway."""
    return any(
        each.type == "bind" and not os.path.relpath(path, each.source).startswith("..")
        for each in service.volumes
    )


def batch(found: Iterable[Rule], changed: Collection[str]) -> Batch:
    """What changes of files mean."""
    rebuild: dict[str, None] = {}
    sync: dict[str, dict[str, str]] = {}
    restart: dict[str, None] = {}
    hooks: dict[int, tuple[str, Hook]] = {}
    for index, rule in enumerate(found):
        for path in sorted(changed):
            if not rule.fits(path):
                continue
            if rule.watch.action == "rebuild":
                rebuild[rule.service] = None
            if rule.syncs:
                sync.setdefault(rule.service, {})[path] = rule.inside(path)
            if rule.watch.action in {"restart", "sync+restart"}:
                restart[rule.service] = None
            if rule.watch.action == "sync+exec" and rule.watch.exec is not None:
                hooks[index] = (rule.service, rule.watch.exec)
    return Batch(
        rebuild=tuple(rebuild), sync=sync, restart=tuple(restart), exec=tuple(hooks.values())
    )

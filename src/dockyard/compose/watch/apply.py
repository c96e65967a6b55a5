"""Watches files, and does what a project's ``develop.watch`` says when they change."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import msgspec

from dockyard.build.progress import Listener as Built
from dockyard.build.progress import silent as unwatched
from dockyard.compose import hooks, labels, observe, selection
from dockyard.compose.build.apply import Builder
from dockyard.compose.build.plan import BuildOptions
from dockyard.compose.logs import WATCH, Line
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.compose.observe import UP
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.progress import Listener, silent
from dockyard.compose.verbs import Verbs
from dockyard.compose.watch import rules, sync
from dockyard.compose.watch.rules import Rule
from dockyard.errors import Conflict, DockyardError, InvalidInput
from dockyard.state.locks import Lock
from dockyard.system.tree_watch import TreeWatch

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_QUIET_SECONDS = 0.5
"""So long nothing must change before something is done: editors write several files."""
_LOOK_SECONDS = 0.2

Showing = Callable[[], contextlib.AbstractContextManager[Built | None]]


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """Watches the files of one project.

    ``printed`` gets what is done, line by line; ``listener`` hears of containers that are made
    anew, and what ``showing`` gives of one build each. ``prune`` removes images that a rebuild left
    without a name.
    """

    engine: Engine
    project: Project
    printed: Callable[[Line], object]
    listener: Listener = silent
    showing: Showing = contextlib.nullcontext
    prune: bool = True

    def run(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Watches until it is stopped.

        Raises:
            InvalidInput: no service says what to watch, or a path isn't there.
        """
        found = self._rules()
        for rule in found:
            if rule.syncs and rule.watch.initial_sync:
                self._sync(rule.service, dict(self._newer(rule)))
        with TreeWatch(lambda path: self._is_entered(found, path)) as watch:
            for rule in found:
                _add(watch, rule)
            self._say("Watch enabled")
            while not stopped():
                changed = watch.changes(_LOOK_SECONDS)
                while changed and (more := watch.changes(_QUIET_SECONDS)):
                    changed |= more
                if changed:
                    self._handle(found, changed)

    def _rules(self) -> tuple[Rule, ...]:
        ignores = {name: _ignored(self.project, name) for name in self.project.services}
        found = []
        for rule in rules.rules(self.project, ignores):
            if rule.syncs and rules.is_mounted(
                rule.watch.path, self.project.services[rule.service]
            ):
                self.engine.parts.warn(
                    f"path '{rule.watch.path}' also declared by a bind mount volume, this path"
                    " won't be monitored!"
                )
            else:
                found.append(rule)
        if not found:
            raise InvalidInput(
                "none of the selected services is configured for watch, consider setting a"
                " 'develop' section",
                hint="services.NAME.develop.watch says which files, and what to do",
            )
        return tuple(found)

    def _is_entered(self, found: Collection[Rule], path: str) -> bool:
        """Directories in which no rule wants anything, such as .git, are left alone."""
        return not all(rule.ignores(path) for rule in found)

    def _handle(self, found: Collection[Rule], changed: Collection[str]) -> None:
        batch = rules.batch(found, changed)
        try:
            if batch.rebuild:
                self._rebuild(batch.rebuild)
            for service, paths in batch.sync.items():
                self._say(f'Syncing service "{service}" after {len(paths)} changes were detected')
                self._sync(service, paths)
            if batch.restart:
                self._restart(batch.restart)
            for service, hook in batch.exec:
                for each in observe.observed(self.engine, self.project.name).of(service):
                    if each.state in UP:
                        hooks.run(self.engine, each, (hook,), self.printed)
        except DockyardError as error:  # the next change may mend it
            self.engine.parts.warn(f"Error handling changed files: {error.message}")

    def _sync(self, service: str, paths: dict[str, str]) -> None:
        if paths:
            stack = observe.observed(self.engine, self.project.name)
            sync.copy(self.engine, stack, service, paths)

    def _restart(self, services: tuple[str, ...]) -> None:
        chosen = selection.restarted(self.project, services, dependents=True)
        verbs = Verbs(engine=self.engine, project=chosen, listener=self.listener)
        verbs.restart(observe.observed(self.engine, self.project.name))
        self._say(f"service(s) {_listed(services)} restarted")

    def _rebuild(self, services: tuple[str, ...]) -> None:
        self._say(f"Rebuilding service(s) {_listed(services)} after changes were detected...")
        try:
            with self.showing() as built:
                Builder(
                    engine=self.engine, project=self.project, options=BuildOptions(to_run=True),
                    watching=built or unwatched,
                ).build(services)  # fmt: skip
        except DockyardError as error:
            self._say(f"Build failed. Error: {error.message}")
            raise
        if self.prune:
            self._remove_nameless()
        self._say(f"service(s) {_listed(services)} successfully built")
        chosen = selection.selected(self.project, services)
        creation = CreateOptions(services=services, recreate="force",
                                 recreate_dependencies="never", build="never")  # fmt: skip
        self.engine.stacks.up(chosen, creation, StartOptions(), listener=self.listener)

    def _remove_nameless(self) -> None:
        """Images of the project that lost their name to a newer one, as far as nothing uses them.

        A container that is about to be made anew still uses the last one, so that stays until the
        next time.
        """
        mine = [
            image
            for image in self.engine.images.list()
            if not image.names
            and image.config.config.labels.get(labels.PROJECT) == self.project.name
        ]
        self.engine.images.prune(mine)

    def _newer(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """The files that are newer than the image of a service's containers."""
        stack = observe.observed(self.engine, self.project.name)
        containers = stack.of(rule.service)
        built = self.engine.images.get(containers[0].image_id).built if containers else 0
        for path in _files(rule):
            with contextlib.suppress(OSError):  # it went meanwhile
                changed = os.lstat(path).st_mtime_ns
                if changed >= built and rule.fits(path):
                    yield path, rule.inside(path)

    def _say(self, words: str) -> None:
        self.printed(Line(WATCH, words.encode()))


def _add(watch: TreeWatch, rule: Rule) -> None:
    try:
        watch.add(rule.watch.path)
    except OSError as error:
        raise InvalidInput(
            f"services.{rule.service}.develop.watch: {rule.watch.path}: {error.strerror}",
            hint="make it first; where the host has no watches left, raise the limit"
            " fs.inotify.max_user_watches",
        ) from error


def _files(rule: Rule) -> Iterator[str]:
    if not os.path.isdir(rule.watch.path):
        yield rule.watch.path
        return
    for directory, below, files in os.walk(rule.watch.path):
        below[:] = [name for name in below if not rule.ignores(os.path.join(directory, name))]
        yield from (os.path.join(directory, name) for name in files)


def _ignored(project: Project, name: str) -> tuple[str, ...]:
    """The patterns of what a service's build leaves out."""
    build = project.services[name].build
    if build is None or not os.path.isdir(build.context):
        return ()
    own = os.path.join(build.context, f"{build.dockerfile or 'Dockerfile'}.dockerignore")
    for path in (own, os.path.join(build.context, ".dockerignore")):
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                lines = stream.read().splitlines()
        except OSError:
            continue
        return tuple(line for line in lines if line.strip() and not line.startswith("#"))
    return ()


def _listed(services: Collection[str]) -> str:
    """``["api" "web"]``, as Docker Compose has it."""
    quoted = " ".join(f'"{name}"' for name in services)
    return f"[{quoted}]"


@contextlib.contextmanager
def alone(engine: Engine, project: str) -> Iterator[None]:
    """While nobody else watches the project.

    Raises:
        Conflict: somebody does.
    """
    # No project is called so that its own lock, compose-NAME, is this one.
    lock = Lock.try_acquire(f"{engine.paths.locks}/compose.watch.{project}.lock")
    if lock is None:
        raise Conflict(
            f'cannot take exclusive lock for project "{project}": it is watched already',
            hint="end the other dockyard compose watch first",
        )
    try:
        yield
    finally:
        lock.release(remove=True)


def built_first(service: Service) -> Service:
    """A service that is watched is built before, so that it is as its files are."""
    if service.build is None or service.develop is None:
        return service
    return msgspec.structs.replace(service, pull_policy="build")

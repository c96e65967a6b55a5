"""Projects some of whose services are served: what Compose does with the others, and beside it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from dockyard.compose import hooks, selection, starting, stored, turns, unsupported
from dockyard.compose.actions import Plan
from dockyard.compose.converge import slot
from dockyard.compose.desired.files import WrittenFile
from dockyard.compose.desired.service import desired
from dockyard.compose.imaging import Imaging
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service as Plain
from dockyard.compose.observe import Observed, Stack
from dockyard.compose.options import CreateOptions, DownOptions, Policy, StartOptions
from dockyard.compose.perform import Performer
from dockyard.compose.progress import Listener, Step, container, silent
from dockyard.compose.runner import never
from dockyard.compose.stacks import Stacks
from dockyard.serving import block, declare, programs
from dockyard.serving.arrival import Arrival
from dockyard.serving.controller import act
from dockyard.serving.extension.blocks import NAME
from dockyard.serving.model import Service
from dockyard.serving.records import TEMPLATE, Template
from dockyard.serving.store import ServingStore

if TYPE_CHECKING:  # the engine is above us
    from dockyard.build.progress import Listener as Built

_TOKEN: Final = 4
"""Bytes."""


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """What replicas of services are made from."""

    served: tuple[Service, ...] = ()
    templates: dict[str, Template] = {}
    """By variant."""
    files: tuple[WrittenFile, ...] = ()
    """What these have mounted of secrets and configs."""


class ServedStacks(Stacks):
    """The projects of one root. Replicas of served services are the controller's."""

    @property
    def _arrival(self) -> Arrival:
        return Arrival(self._engine.paths, self._store)

    @property
    def _store(self) -> ServingStore:
        return ServingStore(self._engine.database)

    def up(
        self, project: Project, options: CreateOptions | None = None,
        start: StartOptions | None = None, *, listener: Listener = silent,
        printed: hooks.Printed | None = None, built: Built | None = None,
    ) -> Stack:  # fmt: skip
        """As for all projects; what is served comes up after the others, behind the gateway.

        Raises:
            ServiceFailed: a replica doesn't come to be ready, of a service that has at least one.
        """
        served = self._served(project)
        asked = options or CreateOptions()
        if not served and not self._store.of(project.name):
            return super().up(project, asked, start, listener=listener, printed=printed,
                              built=built)  # fmt: skip
        made = self._make(project, served, asked, listener, built)
        rest = self._rest(project, served)
        begin = start or StartOptions()
        early = not asked.dry_run and bool(self._replicas(rest))
        if early:  # the others want the names of replicas
            self._switch(project, made, asked, listener)
            self._remove(self._replicas(rest), project.name, listener, volumes=True)
        if rest.services or not served:
            super().up(rest, asked, begin, listener=listener, printed=printed, built=built)
            self._await_needed(project, served, asked, begin, listener)
        if not asked.dry_run:
            if not early:
                self._switch(project, made, asked, listener)
            self._arrival.ready(served, listener, begin.wait_timeout)
        return self.get(project.name)

    def create(
        self, project: Project, options: CreateOptions | None = None, *,
        listener: Listener = silent, built: Built | None = None,
    ) -> Stack:  # fmt: skip
        """As for all projects; served services are written down, and begin with :meth:`start`."""
        served = self._served(project)
        asked = options or CreateOptions()
        rest = _without(project, served)
        if rest.services or not served:
            super().create(rest, asked, listener=listener, built=built)
        if served:
            running = {each.service.name for each in self._store.of(project.name)
                       if not each.suspended}  # fmt: skip
            for each in served:
                made = self._make(project, (each,), asked, listener, built)
                if not asked.dry_run:
                    self._declare(project, made, asked, listener,
                                  suspended=each.name not in running)  # fmt: skip
        return self.get(project.name)

    def start(
        self, project: Project, start: StartOptions | None = None, *, listener: Listener = silent,
        printed: hooks.Printed | None = None, dry_run: bool = False, parallel: int = 0,
        cancelled: Callable[[], bool] = never,
    ) -> Stack:  # fmt: skip
        """As for all projects; served services take requests again."""
        served = self._served(project)
        rest = _without(project, served)
        if rest.services or not served:
            super().start(rest, start, listener=listener, printed=printed, dry_run=dry_run,
                          parallel=parallel, cancelled=cancelled)  # fmt: skip
        if served and not dry_run:
            self.suspend(project.name, [each.name for each in served], suspended=False)
            self._arrival.ready(served, listener, start.wait_timeout if start else None)
        return self.get(project.name)

    def down(
        self, project: Project | str, options: DownOptions | None = None, *,
        listener: Listener = silent,
    ) -> bool:  # fmt: skip
        """As for all projects; nothing more comes in before replicas go."""
        asked = options or DownOptions()
        name = project if isinstance(project, str) else project.name
        removed = not asked.dry_run and self._forget(name, asked.services)
        found = super().down(project, asked, listener=listener)
        if not asked.dry_run:
            self.settle()
        return found or removed

    def suspend(self, project: str, names: Collection[str] = (), *, suspended: bool = True) -> bool:
        """Has served services have no replicas and answer 503, or serve again.

        Args:
            names: of services; all of the project where there is none. A variant alone isn't
                stopped: ``traffic set`` takes its traffic away.

        Returns:
            Whether there was one.
        """
        found = [
            each for each in self._store.of(project) if not names or each.service.name in names
        ]
        for each in found:
            self._store.change(
                project, each.service.name, lambda one: replace(one, suspended=suspended)
            )
        if found:
            self.settle()
            programs.wake(self._engine.paths)
        return bool(found)

    def settle(self) -> None:
        """Has gateway, activator and controller run where there is something to serve, else end."""
        programs.settle(self._engine.paths, self._store.any)

    def _served(self, project: Project) -> tuple[Service, ...]:
        """The services of a project that are served, of those that are meant."""
        if not any(NAME in each.extensions for each in project.services.values()):
            return ()
        had = {one.service.name: one.service.variants for one in self._store.of(project.name)}
        return tuple(
            each
            for each in block.declared(project, listen=self._engine.config.gateway_listen)
            if any(
                one.name in project.services  # one that another service had leaves its record, too
                for one in (*each.variants, *had.get(each.name, ()))
            )
        )

    def _rest(self, project: Project, served: Collection[Service]) -> Project:
        """What isn't served; what a record has yet that the file hasn't is no orphan."""
        rest = _without(project, served)
        had = {one.name for each in self._store.of(project.name) for one in each.service.variants}
        left = {name: Plain(name=name) for name in had - rest.services.keys()}
        return replace(rest, disabled={**left, **rest.disabled})

    def _make(
        self, project: Project, served: Collection[Service], options: CreateOptions,
        listener: Listener, built: Built | None,
    ) -> _Made:  # fmt: skip
        """Makes all that replicas need; nothing of what is served changes yet."""
        if not served:
            return _Made()
        names = [one.name for each in served for one in each.variants]
        everything = {**project.disabled, **project.services}
        alone = replace(project, services={name: everything[name] for name in names})
        sentences = (*unsupported.warnings(alone), *block.warnings(alone))
        for sentence in (*sentences, *block.unawaited(project, names)):
            self._engine.parts.warn(sentence)
        unsupported.refuse(alone)
        room = stored.room(self._engine.paths, project.name)
        wanted = {name: desired(project, alone.services[name], room) for name in names}
        self.make_shared(alone, options, listener=listener)
        images = Imaging(self._engine, alone, options, listener, built).ensure()
        if options.dry_run:
            return _Made()
        self._bring_models(alone, options, listener)
        templates = {name: declare.template(project, wanted[name], images[name]) for name in names}
        files = tuple(one for each in wanted.values() for one in each.files)
        return _Made(served=tuple(served), templates=templates, files=files)

    def _switch(
        self, project: Project, made: _Made, options: CreateOptions, listener: Listener
    ) -> None:
        """Has what was made be served, in place of what the file doesn't have any more."""
        gone = declare.superseded(project, made.served, self._store.of(project.name))
        if made.served:
            self._declare(project, made, options, listener, gone)
            if gone:
                self._arrival.gone(project.name, gone)
        elif gone:
            self._forget(project.name, gone)
            self._remove(self._strangers(project.name), project.name, listener, volumes=True)
            self.settle()

    def _declare(
        self, project: Project, made: _Made, options: CreateOptions, listener: Listener,
        gone: Collection[str] = (), *, suspended: bool = False,
    ) -> None:  # fmt: skip
        """Writes down what replicas are made from."""
        token = os.urandom(_TOKEN).hex()
        records = {
            each.name: functools.partial(
                declare.declared, each, _of(each, made.templates), declare.read_keys(each),
                suspended=suspended, policies=_policies(each, options), token=token,
            )
            for each in made.served
        }  # fmt: skip
        self._remove(self._plain(project.name, made.templates), project.name, listener)
        stored.write(stored.room(self._engine.paths, project.name), made.files)
        self._store.declare(project.name, records, gone)
        self.settle()
        programs.wake(self._engine.paths)

    def _await_needed(
        self, project: Project, served: Collection[Service], options: CreateOptions,
        begin: StartOptions, listener: Listener,
    ) -> None:  # fmt: skip
        """Waits for what served services depend on, as they say; it was started."""
        everything = {**project.disabled, **project.services}
        graph = {one.name: dict(everything[one.name].depends_on)
                 for each in served for one in each.variants}  # fmt: skip
        rest = _without(project, served)
        stack = self.get(project.name)
        present = {name: tuple(map(slot, stack.of(name))) for name in rest.services}
        actions = starting.needed(graph, present)
        if actions:
            performer = Performer(self._engine, rest, listener)
            self._run(Plan(stages=(actions,)), performer, listener, begin.wait_timeout,
                      dry_run=options.dry_run, parallel=options.parallel)  # fmt: skip

    def _replicas(self, rest: Project) -> tuple[Observed, ...]:
        """Replicas of services that aren't served any more, but are in the file."""
        found = self.get(rest.name).lasting
        return tuple(
            one for one in found if one.service in rest.services and TEMPLATE in one.labels
        )

    def _strangers(self, project: str) -> tuple[Observed, ...]:
        """Replicas of what isn't declared; where nothing is, no controller removes them."""
        known = {one.name for each in self._store.of(project) for one in each.service.variants}
        found = self.get(project).lasting
        return tuple(one for one in found if one.service not in known and TEMPLATE in one.labels)

    def _plain(self, project: str, names: Collection[str]) -> tuple[Observed, ...]:
        """Containers of services that weren't served yet: replicas want their names."""
        found = self.get(project).lasting
        return tuple(one for one in found if one.service in names and TEMPLATE not in one.labels)

    def _remove(
        self, containers: Collection[Observed], project: str, listener: Listener, *,
        volumes: bool = False,
    ) -> None:  # fmt: skip
        """Stops and removes containers, each with the time that it has.

        Args:
            volumes: with the ones that have no name.
        """
        if not containers:
            return
        with turns.held(self._engine, project):
            for each in containers:
                subject = container(each.name)
                listener(Step(subject, "Removing"))
                act.remove(self._engine, each.id, volumes=volumes)
                listener(Step(subject, "Removed", "done"))

    def _forget(self, project: str, names: Collection[str]) -> bool:
        """Takes services away, and waits until the gateway doesn't serve them any more."""
        with act.lock(self._engine, project, shared=False) as lock:
            removed = self._store.remove(project, *names)
            lock.release(remove=not self._store.of(project))
        if removed:
            self._arrival.gone(project, names)
        return removed

    def _used_files(self, project: str) -> set[str]:
        return super()._used_files(project) | declare.written_sources(self._store.of(project))


def _without(project: Project, served: Collection[Service]) -> Project:
    names = {one.name for each in served for one in each.variants}
    return selection.without(project, names & project.services.keys())


def _of(service: Service, templates: Mapping[str, Template]) -> dict[str, Template]:
    return {one.name: templates[one.name] for one in service.variants}


def _policies(service: Service, options: CreateOptions) -> dict[str, Policy]:
    """By variant: what is to become of replicas that are there."""
    named = not options.services or service.name in options.services
    return {
        one.name: options.recreate
        if named or one.name in options.services
        else options.recreate_dependencies
        for one in service.variants
    }

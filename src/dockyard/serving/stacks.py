"""Projects some of whose services are served: what Compose does with the others, and beside it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dockyard.compose import hooks, selection, stored, unsupported
from dockyard.compose.desired.service import desired
from dockyard.compose.imaging import Imaging
from dockyard.compose.model.project import Project
from dockyard.compose.observe import Stack
from dockyard.compose.options import CreateOptions, DownOptions, StartOptions
from dockyard.compose.progress import Listener, Step, silent
from dockyard.compose.runner import never
from dockyard.compose.stacks import Stacks
from dockyard.errors import DockyardError, ServiceFailed
from dockyard.serving import block, declare, programs, publication
from dockyard.serving.controller import act
from dockyard.serving.decide import backoff
from dockyard.serving.extension.blocks import NAME
from dockyard.serving.model import Service
from dockyard.serving.places import Serving
from dockyard.serving.records import Standing, Template
from dockyard.serving.store import ServingStore

if TYPE_CHECKING:  # the engine is above us
    from dockyard.build.progress import Listener as Built

_POLL_SECONDS: Final = 0.05
_GONE_SECONDS: Final = 5.0
_GATEWAY_SECONDS: Final = 30.0


class ServedStacks(Stacks):
    """The projects of one root. Replicas of served services are the controller's."""

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
        if not self._forgotten(project, served, asked) and not served:
            return super().up(project, asked, start, listener=listener, printed=printed,
                              built=built)  # fmt: skip
        rest = _without(project, served)
        if rest.services or not served:
            super().up(rest, asked, start, listener=listener, printed=printed, built=built)
        self._declare(project, served, asked, listener, built, suspended=False)
        if not asked.dry_run:
            begin = start or StartOptions()
            self._await(served, listener, begin.wait_timeout)
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
                self._declare(project, (each,), asked, listener, built,
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
            self._await(served, listener, start.wait_timeout if start else None)
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
        return tuple(
            each
            for each in block.declared(project, listen=self._engine.config.gateway_listen)
            if any(one.name in project.services for one in each.variants)
        )

    def _forgotten(
        self, project: Project, served: Collection[Service], options: CreateOptions
    ) -> bool:
        """Has services go that the file doesn't have any more; whether any is left."""
        before = self._store.of(project.name)
        if not before or options.dry_run:
            return bool(before)
        known = project.services.keys() | project.disabled.keys()
        gone = [
            each.service.name
            for each in before
            if each.service.name not in {one.name for one in served}
            and (each.service.name not in known or _is_plain(project, each.service.name))
        ]
        if gone:
            self._forget(project.name, gone)
        return len(gone) < len(before)

    def _declare(
        self, project: Project, served: Collection[Service], options: CreateOptions,
        listener: Listener, built: Built | None, *, suspended: bool,
    ) -> None:  # fmt: skip
        """Makes all that replicas need, and writes down what they are made from."""
        names = [one.name for each in served for one in each.variants]
        everything = {**project.disabled, **project.services}
        alone = replace(project, services={name: everything[name] for name in names})
        for sentence in (*unsupported.warnings(alone), *block.warnings(alone)):
            self._engine.parts.warn(sentence)
        unsupported.refuse(alone)
        room = stored.room(self._engine.paths, project.name)
        wanted = {name: desired(project, alone.services[name], room) for name in names}
        self.make_shared(alone, options, listener=listener)
        images = Imaging(self._engine, alone, options, listener, built).ensure()
        if options.dry_run:
            return
        self._bring_models(alone, options, listener)
        for each in wanted.values():
            stored.write(room, each.files)
        templates = {name: declare.template(project, wanted[name], images[name]) for name in names}
        self._put(project.name, served, templates, suspended=suspended)
        self.settle()
        programs.wake(self._engine.paths)

    def _put(
        self, project: str, served: Collection[Service], templates: dict[str, Template], *,
        suspended: bool,
    ) -> None:  # fmt: skip
        self._store.declare(project, {
            each.name: functools.partial(
                declare.declared, each, {one.name: templates[one.name] for one in each.variants},
                declare.read_keys(each), suspended=suspended,
            )
            for each in served
        })  # fmt: skip

    def _forget(self, project: str, names: Collection[str]) -> bool:
        """Takes services away, and waits until the gateway doesn't serve them any more."""
        with act.lock(self._engine, project, shared=False) as lock:
            removed = self._store.remove(project, *names)
            lock.release(remove=not self._store.of(project))
        if removed and programs.running(self._engine.paths):
            programs.wake(self._engine.paths)
            deadline = time.monotonic() + _GONE_SECONDS
            while self._is_served(project, names) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        return removed

    def _is_served(self, project: str, names: Collection[str]) -> bool:
        known = publication.read(Serving(self._engine.paths)).services.values()
        return any(one.project == project and (not names or one.name in names) for one in known)

    def _await_gateway(self, served: Collection[Service]) -> None:
        """Waits until the gateway serves what was declared, as it was declared."""
        deadline = time.monotonic() + _GATEWAY_SECONDS
        while True:
            found = publication.read(Serving(self._engine.paths))
            refused = [
                f"service {each.name} isn't served: {found.problems[name]}"
                for each in served
                if (name := f"{each.project}/{each.name}") in found.problems
                and found.services.get(name) == each
            ]
            if refused:
                raise ServiceFailed(
                    "; ".join(refused), hint="mend its block (x-dockyard), or free what is taken"
                )
            if all(found.services.get(f"{each.project}/{each.name}") == each for each in served):
                return
            if time.monotonic() > deadline:
                told = (found.problems.get(f"{one.project}/{one.name}", "") for one in served)
                said = next(filter(None, told), "")
                raise ServiceFailed(
                    f"the gateway hasn't taken over {', '.join(one.name for one in served)}"
                    f" within {_GATEWAY_SECONDS:g} s{': ' if said else ''}{said}",
                    hint="dockyard services logs tells what gateway and controller say",
                )
            time.sleep(_POLL_SECONDS)

    def _await(
        self, served: Collection[Service], listener: Listener, seconds: float | None
    ) -> None:
        """Waits until each service that has replicas without requests has one that is ready."""
        self._await_gateway(served)
        for each in served:
            subject = f"Service {each.name}"
            if not any(one.scale.min for one in each.variants if not one.shadow):
                listener(Step(subject, "Idle", "done"))
                continue
            listener(Step(subject, "Waiting"))
            try:
                self._await_one(each, seconds)
            except DockyardError:
                listener(Step(subject, "Error", "error"))
                raise
            listener(Step(subject, "Ready", "done"))

    def _await_one(self, service: Service, seconds: float | None) -> None:
        first = service.variants[0]
        limit = seconds if seconds is not None else first.ready.deadline
        deadline = time.monotonic() + limit
        while True:
            declared = self._store.get(service.project, service.name)
            if declared is None or declared.variant(first.name).scale.min == 0:
                return
            standings = self._store.standings()
            stands = standings.get((service.project, first.name), Standing())
            known = stands.template == declared.templates[first.name].hash
            if known and stands.current:
                return
            hopeless = backoff.is_told(stands.failures)
            if (known and hopeless) or time.monotonic() > deadline:
                reason = stands.reason or f"it isn't ready after {limit:g} s"
                raise ServiceFailed(
                    f"service {service.name}: {reason}",
                    hint=f"dockyard explain {service.name} tells what was tried",
                )
            time.sleep(_POLL_SECONDS)

    def _used_files(self, project: str) -> set[str]:
        return super()._used_files(project) | declare.written_sources(self._store.of(project))


def _without(project: Project, served: Collection[Service]) -> Project:
    names = {one.name for each in served for one in each.variants}
    return selection.without(project, names & project.services.keys())


def _is_plain(project: Project, name: str) -> bool:
    service = project.services.get(name)
    return service is not None and NAME not in service.extensions

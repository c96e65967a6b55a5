"""Projects on the engine: brought up, changed, taken down.

One command at a time changes a project: it holds the project's lock. Everything that is done is
done again, or undone, by the next command, if this one is killed at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockyard.compose import (
    down as downs,
)
from dockyard.compose import (
    hooks,
    host_files,
    limits,
    observe,
    order,
    reconcile,
    resources,
    runner,
    selection,
    starting,
    stored,
    turns,
    unsupported,
)
from dockyard.compose.actions import Action, Plan
from dockyard.compose.converge import Present, slot
from dockyard.compose.desired import models
from dockyard.compose.desired.files import Room
from dockyard.compose.desired.service import Desired, desired
from dockyard.compose.imaging import Imaging, facts
from dockyard.compose.labels import PROJECT, SERVICE
from dockyard.compose.model.project import Network, Project, Volume
from dockyard.compose.observe import Listed, Stack
from dockyard.compose.options import CreateOptions, DownOptions, StartOptions
from dockyard.compose.perform import Performer
from dockyard.compose.progress import Listener, Step, silent
from dockyard.compose.runner import Waiting, never
from dockyard.compose.situation import Situation
from dockyard.compose.waiting import Watcher
from dockyard.errors import NotFound
from dockyard.images.model import Image

if TYPE_CHECKING:  # the engine is above us
    from dockyard.build.progress import Listener as Built
    from dockyard.engine import Engine


class Stacks:
    """The projects of one root."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self) -> tuple[Listed, ...]:
        """All projects that have a container."""
        return observe.projects(self._engine)

    def get(self, name: str) -> Stack:
        """What there is of a project."""
        return observe.observed(self._engine, name)

    def up(
        self,
        project: Project,
        options: CreateOptions | None = None,
        start: StartOptions | None = None,
        *,
        listener: Listener = silent,
        printed: hooks.Printed | None = None,
        built: Built | None = None,
    ) -> Stack:
        """Makes what a project asks for, changes what differs, and starts it.

        Args:
            project: the services that are meant, and what they need.
            listener: hears of each step, from several threads.
            printed: gets what hooks print.
            built: hears of builds.

        Raises:
            DockyardError: something of it failed; what was done stays, and the next ``up`` goes on.
        """
        begin = start or StartOptions()
        return self._bring(project, options or CreateOptions(), begin, listener, printed, built)

    def create(
        self,
        project: Project,
        options: CreateOptions | None = None,
        *,
        listener: Listener = silent,
        built: Built | None = None,
    ) -> Stack:
        """As :meth:`up`, but nothing is started."""
        return self._bring(project, options or CreateOptions(), None, listener, None, built)

    def start(
        self,
        project: Project,
        start: StartOptions | None = None,
        *,
        listener: Listener = silent,
        printed: hooks.Printed | None = None,
        dry_run: bool = False,
        parallel: int = 0,
        cancelled: Callable[[], bool] = never,
    ) -> Stack:
        """Starts the containers that there are of a project's services, those needed first.

        Args:
            cancelled: once it says so nothing more is started; called in several threads.

        Raises:
            NotFound: a service has no container.
            DockyardError: one can't be started, or doesn't come to what others wait for.
        """
        begin = start or StartOptions()
        with turns.held(self._engine, project.name):
            stack = self.get(project.name)
            graph, present = order.graph(project), _present(project, stack)
            stages = [starting.starts(graph, present, project.services)]
            stages += [starting.awaits(graph, present)] if begin.wait else []
            performer = Performer(self._engine, project, listener, printed=printed)
            self._run(Plan(stages=tuple(stages)), performer, listener, begin.wait_timeout,
                      dry_run=dry_run, parallel=parallel, cancelled=cancelled)  # fmt: skip
        return self.get(project.name)

    def down(
        self,
        project: Project | str,
        options: DownOptions | None = None,
        *,
        listener: Listener = silent,
    ) -> bool:
        """Stops and removes a project's containers and networks; volumes and images if asked to.

        Args:
            project: from its file, or its name, if the file isn't there: then it is as the labels
                tell.

        Returns:
            Whether there was something to remove.

        Raises:
            DockyardError: something can't be removed.
        """
        asked = options or DownOptions()
        name = project if isinstance(project, str) else project.name
        with turns.held(self._engine, name):
            stack = self.get(name)
            known = _known(stack) if isinstance(project, str) else project
            plan = downs.down(known, stack, asked, self._owned(known))
            performer = Performer(self._engine, known, listener)
            self._run(plan, performer, listener, dry_run=asked.dry_run, parallel=asked.parallel)
            if not asked.dry_run:
                self._sweep(name)
        return bool(plan.actions)

    def make_shared(
        self, project: Project, options: CreateOptions, *, listener: Listener = silent
    ) -> None:
        """Makes the networks and volumes that a project's services are on, and have.

        Raises:
            DockyardError: one is somebody else's, isn't there, or can't be made.
        """
        with turns.held(self._engine, project.name):
            found = resources.shared(self._situation(project, {}, {}), options)
            for sentence in found.warnings:
                self._engine.parts.warn(sentence)
            performer = Performer(self._engine, project, listener)
            self._run(Plan(stages=(found.actions,)), performer, listener,
                      dry_run=options.dry_run, parallel=options.parallel)  # fmt: skip

    def _bring(
        self, project: Project, options: CreateOptions, start: StartOptions | None,
        listener: Listener, printed: hooks.Printed | None, built: Built | None,
    ) -> Stack:  # fmt: skip
        for sentence in unsupported.warnings(project):
            self._engine.parts.warn(sentence)
        wanted = self._desired(project)
        with turns.held(self._engine, project.name):
            images = Imaging(self._engine, project, options, listener, built).ensure()
            if not options.dry_run:
                self._bring_models(project, options, listener)
                for each in wanted.values():
                    stored.write(self._room(project.name), each.files)
            plan = reconcile.up(self._situation(project, wanted, images), options, start)
            for sentence in plan.warnings:
                self._engine.parts.warn(sentence)
            performer = Performer(self._engine, project, listener, wanted=wanted, images=images,
                                  printed=printed)  # fmt: skip
            self._run(
                plan, performer, listener, None if start is None else start.wait_timeout,
                dry_run=options.dry_run, parallel=options.parallel,
            )  # fmt: skip
            if not options.dry_run:
                self._sweep(project.name)
        return self.get(project.name)

    def _desired(self, project: Project) -> dict[str, Desired]:
        """Everything that can be wrong with a project is found before anything is done."""
        unsupported.refuse(project)
        order.graph(project)
        order.require_scalable(project)
        host_files.require(project)
        room = self._room(project.name)
        found = {name: desired(project, each, room) for name, each in project.services.items()}
        for each in found.values():
            limits.require(self._engine.parts, each)
        return found

    def _situation(
        self, project: Project, wanted: Mapping[str, Desired], images: Mapping[str, Image]
    ) -> Situation:
        return Situation(
            project=project,
            wanted=wanted,
            images=facts(images),
            stack=self.get(project.name),
            networks={each.name: each for each in self._engine.networks.list()},
            volumes={each.name: each for each in self._engine.volumes.list()},
        )

    def _bring_models(self, project: Project, options: CreateOptions, listener: Listener) -> None:
        for name in models.references(project):
            if options.pull == "always" or not self._engine.models.has(name):
                listener(Step(f"Model {name}", "Pulling"))
                self._engine.models.pull(name)
                listener(Step(f"Model {name}", "Pulled", "done"))

    def _run(
        self, plan: Plan, performer: Performer, listener: Listener, seconds: float | None = None, *,
        dry_run: bool, parallel: int, cancelled: Callable[[], bool] = never,
    ) -> None:  # fmt: skip
        deadline = None if seconds is None else time.monotonic() + seconds
        watcher = Watcher(self._engine, listener)
        perform: Callable[[Action], object] = performer.perform
        arrived: Callable[[Waiting], bool] = watcher.arrived
        if dry_run:
            perform, arrived = _told(listener), _told_of_wait(listener)
        try:
            for stage in plan.stages:
                runner.run(stage, perform, arrived, parallel=parallel, deadline=deadline,
                           cancelled=cancelled)  # fmt: skip
        except runner.Late as error:
            raise watcher.late(error) from None

    def _owned(self, project: Project) -> downs.Owned:
        images = self._engine.images.list()
        built = {
            name: image.config.config.labels.get(SERVICE, "")
            for image in images
            if image.config.config.labels.get(PROJECT) == project.name
            for name in image.names[:1]
        }
        imaging = Imaging(self._engine, project, CreateOptions(), silent)
        return downs.Owned(
            volumes=frozenset(each.name for each in self._engine.volumes.list()),
            images=built,
            present=frozenset(imaging.present()),
        )

    def _sweep(self, project: str) -> None:
        """Removes written secrets and configs that no container has any more."""
        stored.sweep(self._room(project), self._used_files(project))

    def _used_files(self, project: str) -> set[str]:
        """Sources of the mounts of a project's containers."""
        return {
            mount.source or ""
            for each in self.get(project).containers
            for mount in each.record.mounts
        }

    def _room(self, project: str) -> Room:
        return stored.room(self._engine.paths, project)


def _present(project: Project, stack: Stack) -> Present:
    found: Present = {}
    for name, service in project.services.items():
        slots = tuple(map(slot, stack.of(name)))
        if not slots and order.scale(service):
            raise NotFound(
                f'service "{name}" has no container to start',
                hint=f"dockyard compose up -d {name} makes it",
            )
        found[name] = slots
    return found


def _known(stack: Stack) -> Project:
    """As the labels tell; all networks and volumes that were made for it are its own then."""
    known = selection.of_stack(stack) if stack.lasting else Project(name=stack.name)
    return replace(
        known,
        networks={name: Network(name=name) for name in stack.networks},
        volumes={name: Volume(name=name) for name in stack.volumes},
    )


def _told(listener: Listener) -> Callable[[Action], object]:
    """In place of doing: a dry run tells what it would do."""

    def tell(action: Action) -> None:
        listener(action.begun())
        listener(action.ended())

    return tell


def _told_of_wait(listener: Listener) -> Callable[[Waiting], bool]:
    def tell(action: Waiting) -> bool:
        for step in (*action.steps(done=False), *action.steps(done=True)):
            listener(step)
        return True

    return tell

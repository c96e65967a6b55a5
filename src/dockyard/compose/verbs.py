"""What is done with a project's containers that there are: stop, kill, pause, remove..."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Self

import msgspec
from msgspec.structs import replace

from dockyard.compose import actions, order, progress, targets, together
from dockyard.compose.actions import Action
from dockyard.compose.model.project import Project
from dockyard.compose.observe import UP, Observed, Stack
from dockyard.compose.perform import Performer
from dockyard.compose.progress import Listener, Step
from dockyard.errors import DockyardError

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

Act = Callable[[Observed], object]


class Verbs(msgspec.Struct, frozen=True, kw_only=True):
    """Does things with containers of one project, and tells of it.

    ``parallel`` is how many services are worked on at once at most (-1: all); with ``dry_run``
    nothing is done, only told.
    """

    engine: Engine
    project: Project
    listener: Listener = progress.silent
    parallel: int = -1
    dry_run: bool = False

    def heard_by(self, listener: Listener) -> Self:
        """The same, telling somebody else of it."""
        return replace(self, listener=listener)

    def stop(self, stack: Stack, services: Iterable[str], seconds: float | None = None) -> None:
        """Stops containers, those first that others don't need; ``pre_stop`` is run before.

        Args:
            seconds: how long to wait before killing; each container's own time where ``None``.
        """
        chosen = set(services)
        if not self.dry_run:
            self.engine.stacks.suspend(self.project.name, chosen)

        def stopping(name: str) -> list[Action]:
            found = stack.of(name) if name in chosen else ()
            return [
                actions.Stop(key=each.id, service=name, name=each.name, id=each.id, timeout=seconds)
                for each in found
            ]

        self._in_order(order.reversed_graph(order.graph(self.project)), stopping)

    def restart(self, stack: Stack, seconds: float | None = None) -> None:
        """Restarts the containers of the project's services, those first that others need."""

        def restarting(name: str) -> list[Action]:
            return [
                actions.Restart(
                    key=each.id, service=name, name=each.name, id=each.id, timeout=seconds
                )
                for each in stack.of(name)
            ]

        self._in_order(order.graph(self.project), restarting)

    def kill(self, containers: Iterable[Observed], signal: str) -> None:
        """Sends a signal to all of them at once."""
        self._each(
            containers, ("Killing", "Killed"),
            lambda each: self.engine.containers.kill(each.id, signal), failed="Error while Killing",
        )  # fmt: skip

    def pause(self, containers: Iterable[Observed]) -> None:
        """Freezes all of them."""
        self._each(containers, ("", "Paused"),
                   lambda each: self.engine.containers.pause(each.id))  # fmt: skip

    def unpause(self, containers: Iterable[Observed]) -> None:
        """Lets all of them go on."""
        self._each(containers, ("", "Unpaused"),
                   lambda each: self.engine.containers.unpause(each.id))  # fmt: skip

    def remove(self, containers: Iterable[Observed], *, force: bool, volumes: bool) -> None:
        """Removes all of them; with ``volumes`` their anonymous volumes too."""
        self._each(
            containers, ("Removing", "Removed"),
            lambda each: self.engine.containers.remove(each.id, force=force, volumes=volumes),
        )  # fmt: skip

    def _in_order(
        self, needed: Mapping[str, Iterable[str]], of: Callable[[str], list[Action]]
    ) -> None:
        perform = Performer(self.engine, self.project, self.listener).perform

        def tell(action: Action) -> None:
            self.listener(action.begun())
            self.listener(action.ended())

        def act(name: str) -> None:
            found = {action.key: action for action in of(name)}
            do = tell if self.dry_run else perform
            together.at_once(found, lambda key: do(found[key]))

        together.in_order(
            {name: tuple(each) for name, each in needed.items()}, act, parallel=self.parallel
        )

    def _each(
        self, containers: Iterable[Observed], words: tuple[str, str], act: Act, *,
        failed: str = "Error",
    ) -> None:  # fmt: skip
        by_id = {each.id: each for each in containers}

        def attempt(container_id: str) -> None:
            container = by_id[container_id]
            name = progress.container(container.name)
            if words[0]:
                self.listener(Step(name, words[0]))
            try:
                if not self.dry_run:
                    act(container)
            except DockyardError:
                self.listener(Step(name, failed, "error"))
                raise
            self.listener(Step(name, words[1], "done"))

        together.at_once(by_id, attempt)


def removable(
    stack: Stack, services: Collection[str], *, stopped: bool = False
) -> tuple[Observed, ...]:
    """The containers of some services that don't run.

    Args:
        stopped: reckon as if all had been stopped.
    """
    found = targets.chosen(stack, services)
    return tuple(each for each in found if stopped or each.state not in UP)

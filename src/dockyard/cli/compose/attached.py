"""``up`` in the foreground: starts what was made, shows what it prints, and stops it at the end.

Ctrl-C stops the containers, as their services want it; a second one kills them, and a third one
ends the command whatever goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from dockyard.cli import render
from dockyard.cli.commands.compose_logs import use_colour
from dockyard.cli.compose import board
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.log_view import LogView
from dockyard.cli.output import say, write_all
from dockyard.compose import logs, observe, targets
from dockyard.compose.logs import Line
from dockyard.compose.model.project import Project
from dockyard.compose.observe import UP, Observed, Stack
from dockyard.compose.verbs import Verbs
from dockyard.errors import Conflict, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_INTERRUPTED = 130


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What ends all of it, beside Ctrl-C."""

    on_exit: bool = False
    """The first container that ends."""
    on_failure: bool = False
    """The first one that fails."""
    code_from: str = ""
    """The service whose exit code is the command's."""
    seconds: float | None = None
    """How long containers have to stop; their own time where ``None``."""


class Attached:
    """One ``up`` in the foreground.

    Args:
        services: those whose output is shown.
        watches: keep containers as their files are, meanwhile.
    """

    def __init__(
        self, engine: Engine, flags: Flags, project: Project, services: tuple[str, ...],
        ending: Ending, *, colour: bool, prefix: bool, timestamps: bool, watches: bool = False,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._flags = flags
        self._project = project
        self._services = services
        self._ending = ending
        self._watches = watches
        names = [targets.short_name(each) for each in self._present()]
        self._view = LogView(names, colour=colour and use_colour(flags), prefix=prefix,
                             timestamps=timestamps)  # fmt: skip
        self._names = names
        self._guard = threading.Lock()
        self._signals = 0
        self._code: int | None = None
        self._aborted = False
        self._over = False
        self._watching: _Work | None = None
        self._works: list[_Work] = []
        self._starting: _Work | None = None

    def run(self) -> int:
        """Until no container runs any more; the exit code.

        Raises:
            DockyardError: a container can't be started; the others run on.
        """
        say(f"Attaching to {', '.join(self._names)}")
        follower = logs.Follower(
            self._engine, self._project.name, self._services, logs.Wanted(tail=0),
            now=time.time_ns(), more=self._more,
        )  # fmt: skip
        with self._signals_taken():
            self._starting = _Work(self._start)
            for line in follower:
                self._show(line)
                self._ended(line)
                self._more()
            self._over = True
            self._starting.wait()
            for work in (*self._works, self._watching):
                if work is not None:
                    work.result()
        if not self._is_ending:
            self._starting.result()
        if self._signals:
            return _INTERRUPTED
        return self._code or 0

    def _start(self) -> None:
        self._engine.stacks.start(
            self._project, printed=self._show, cancelled=lambda: self._is_ending
        )
        if self._watches and not self._is_ending:
            self._watching = _Work(self._watch)

    def _watch(self) -> None:
        from dockyard.compose.watch.apply import Watching, alone

        with alone(self._engine, self._project.name):
            Watching(engine=self._engine, project=self._project, printed=self._show).run(
                lambda: self._over or self._is_ending
            )

    @property
    def _is_ending(self) -> bool:
        """Whether containers are stopped, so that others can't come to what they wait for."""
        return self._signals > 0 or self._aborted

    def _more(self) -> bool:
        """Whether containers may come that don't run yet. Raises what starting them raised."""
        if self._starting is None or not self._starting.over:
            return True
        if not self._is_ending:
            self._starting.result()
        for work in (self._watching, *self._works):
            if work is not None and work.over:
                work.result()
        return any(not work.over for work in self._works)

    def _show(self, line: Line) -> None:
        with self._guard:
            write_all(1, self._view.text(line))

    def _ended(self, line: Line) -> None:
        """Looks at a container that has ended: its end may be the end of all."""
        if line.kind != "status":
            return
        found = next((each for each in self._present()
                      if targets.short_name(each) == line.container), None)  # fmt: skip
        if found is None or found.state in UP:
            return
        if found.service == self._ending.code_from:
            self._code = found.exit_code
        elif self._code is None and not self._ending.code_from:
            self._note_code(found)
        cascades = self._ending.on_exit or (self._ending.on_failure and found.exit_code != 0)
        if cascades and not self._aborted:
            self._aborted = True
            render.write("Aborting on container exit...\n")
            self._works.append(_Work(self._stop))

    def _note_code(self, found: Observed) -> None:
        if self._ending.on_exit or (self._ending.on_failure and found.exit_code != 0):
            self._code = found.exit_code

    def _stop(self) -> None:
        self._stop_present(self._present_of_all())
        if self._starting is not None:
            self._starting.wait()
        late = tuple(each for each in self._present_of_all() if each.state in UP)
        if late:  # started while the others were stopped
            self._stop_present(late)

    def _stop_present(self, containers: tuple[Observed, ...]) -> None:
        stack = Stack(name=self._project.name, containers=containers)
        with board.shown("Stopping", self._flags._replace(progress=self._plain())) as listener:
            verbs = Verbs(engine=self._engine, project=self._project, listener=listener)
            verbs.stop(stack, tuple(self._project.services), self._ending.seconds)

    def _plain(self) -> str:
        """Lines, among those of the containers; a picture would be torn by them."""
        return "plain" if self._flags.progress in {"auto", "tty"} else self._flags.progress

    def _kill(self) -> None:
        self._kill_present()
        if self._starting is not None:
            self._starting.wait()
        self._kill_present()

    def _kill_present(self) -> None:
        for each in self._present():
            with contextlib.suppress(Conflict, NotFound):  # it has just ended
                self._engine.containers.kill(each.id)

    def _present(self) -> tuple[Observed, ...]:
        stack = observe.observed(self._engine, self._project.name)
        return stack.of(*self._services)

    def _present_of_all(self) -> tuple[Observed, ...]:
        return observe.observed(self._engine, self._project.name).lasting

    @contextlib.contextmanager
    def _signals_taken(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._interrupted)
                  for number in (signal.SIGINT, signal.SIGTERM)}  # fmt: skip
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, _number: int, _frame: object) -> None:
        self._signals += 1
        if self._signals == 1:
            render.write("Gracefully Stopping... press Ctrl+C again to force\n")
            self._works.append(_Work(self._stop))
        elif self._signals == 2:
            self._works.append(_Work(self._kill))
        else:
            os._exit(_INTERRUPTED)  # other ends wait for what the threads do


class _Work:
    """Something that goes on beside; a program that ends doesn't wait for it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Waits for its end, whatever that is."""
        self._thread.join()

    def result(self) -> None:
        """Waits for the end, and raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            self._error = error

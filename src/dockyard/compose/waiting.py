"""Whether the containers of a service have come to what is waited for."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from dockyard.compose import observe
from dockyard.compose.actions import Await, Pause
from dockyard.compose.observe import Observed
from dockyard.compose.progress import Listener, Step, container
from dockyard.compose.runner import Late, Waiting
from dockyard.errors import DockyardError, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_LASTING_NS: Final = 10**9 // 2
"""What has run for so long didn't fail at once."""
_RESTARTS: Final = {"running_or_healthy": 5, "service_healthy": 10}
"""What has been restarted so often, and ends again, won't come to it. Services may end until what
they need is there, so those that others wait for have more than a minute for that."""
_LAST_LINES: Final = 10
"""Of a log, in an error."""


class Failed(DockyardError):
    """A container hasn't come to what others wait for; the context is the end of its log."""

    reference = "dependency-failed"


class Watcher:
    """Looks at what is waited for, and tells how it goes."""

    def __init__(self, engine: Engine, listener: Listener) -> None:
        self._engine = engine
        self._listener = listener
        self._told: set[str] = set()
        self._began: dict[str, float] = {}

    def arrived(self, action: Waiting) -> bool:
        """Whether it has come.

        Raises:
            Failed: it won't come any more, and who waits needs it.
        """
        if action.key not in self._told:
            self._told.add(action.key)
            self._began[action.key] = time.monotonic()
            self._tell(action.steps(done=False))
        try:
            come = self._over(action) if isinstance(action, Pause) else self._look(action)
        except Failed as error:
            if isinstance(action, Await) and not action.required:
                self._skip(action, error)
                return True
            for name in action.names:
                self._listener(Step(container(name), "Error", "error"))
            raise
        if come:
            self._tell(action.steps(done=True))
        return come

    def late(self, error: Late) -> Late:
        """The same, with the end of the log of the first container that hasn't come."""
        for action in [each for each in error.waiting if isinstance(each, Await)]:
            for target in action.targets:
                with contextlib.suppress(NotFound):
                    found = observe.refreshed(self._engine, target)
                    if not _has_come(action, found):
                        error.context = last_lines(self._engine, found)
                        return error
        return error

    def _over(self, action: Pause) -> bool:
        return time.monotonic() >= self._began[action.key] + action.seconds

    def _look(self, action: Await) -> bool:
        found = [self._refreshed(action, target) for target in action.targets]
        if action.condition == "service_completed_successfully":
            return self._completed(action, found)
        healthy = [self._healthy(action, each) for each in found]  # each one may fail
        return all(healthy)

    def _refreshed(self, action: Await, target: str) -> Observed:
        try:
            return observe.refreshed(self._engine, target)
        except NotFound as error:
            raise Failed(
                f"{action.dependent or action.service} is missing dependency {action.service}",
                hint="something removed its container meanwhile: dockyard compose up again",
            ) from error

    def _completed(self, action: Await, found: list[Observed]) -> bool:
        """As soon as one container has ended, as in Compose."""
        for each in found:
            if each.state == "exited":
                if each.exit_code:
                    words = f'service "{action.service}" didn\'t complete successfully: exit'
                    raise self._failed(each, f"{words} {each.exit_code}")
                return True
        return False

    def _healthy(self, action: Await, each: Observed) -> bool:
        prefix = "dependency failed to start: " if action.dependent else ""
        if each.state == "exited":
            raise self._failed(each, f"{prefix}container {each.name} exited ({each.exit_code})")
        count = each.record.restarts.count
        if each.state == "restarting" and count >= _RESTARTS[action.condition]:
            words = f"{prefix}container {each.name} ends again and again"
            raise self._failed(each, f"{words}: {count} restarts, exit code {each.exit_code}")
        if not each.record.has_healthcheck:
            if action.condition == "running_or_healthy":
                return _lasts(each, action.monitor)
            raise self._failed(each, f"{prefix}container {each.name} has no healthcheck configured")
        if each.health == "unhealthy":
            raise self._failed(each, f"{prefix}container {each.name} is unhealthy")
        return each.health == "healthy" and (not action.monitor or _lasts(each, action.monitor))

    def _failed(self, each: Observed, message: str) -> Failed:
        return Failed(
            message, context=last_lines(self._engine, each),
            hint=f"dockyard compose logs {each.service} has more of what it said",
        )  # fmt: skip

    def _skip(self, action: Await, error: Failed) -> None:
        what = "optional dependency" if action.dependent else "update of service"
        words = f'Skipped: {what} "{action.service}" failed to start'
        for name in action.names:
            self._listener(Step(container(name), words, "warning"))
        self._engine.parts.warn(f"{words.removeprefix('Skipped: ')}: {error.message}")

    def _tell(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self._listener(step)


def _has_come(action: Await, each: Observed) -> bool:
    if action.condition == "service_completed_successfully":
        return each.state == "exited"
    return each.health == "healthy" if each.record.has_healthcheck else _lasts(each)


def _lasts(each: Observed, seconds: float = 0.0) -> bool:
    """Whether it has run for a while and still does; its record learns of its end a bit later."""
    process = each.record.process
    lasting = time.time_ns() - each.record.started >= max(_LASTING_NS, int(seconds * 10**9))
    return each.running and lasting and process is not None and process.alive()


def last_lines(engine: Engine, each: Observed) -> str | None:
    """The end of a container's log, and what its health check said last."""
    try:
        lines = [line.data.decode(errors="replace").rstrip("\n")
                 for line in engine.containers.logs(each.id, tail=_LAST_LINES)]  # fmt: skip
        report = engine.containers.health(each.record)
    except DockyardError:  # a log that isn't kept, or a container that is gone
        return None
    if report is not None and report.log and report.log[-1].exit_code:
        last = report.log[-1]
        lines.append(f"health check: {last.output.strip() or f'exit code {last.exit_code}'}")
    return "\n".join(lines) or None

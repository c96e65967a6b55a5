"""The output of a project's containers as one stream of lines, in the order of their times."""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from dockyard.compose import labels, observe, targets
from dockyard.compose.observe import UP, Observed
from dockyard.containers.logs import LogLine, utc, utc_of
from dockyard.errors import NotFound, NotSupported
from dockyard.observability.events import Event

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

WATCH = "#watch"
"""Who says what ``compose watch`` does; there is no container of that name."""
_POLL_SECONDS = 0.2


class Line(msgspec.Struct, frozen=True):
    """A line that a container printed, or what became of the container."""

    container: str
    """Its name within the project."""
    text: bytes
    """Without its end."""
    time: str = ""
    """In UTC, so that texts compare as times."""
    kind: Literal["output", "status"] = "output"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of the output is asked for; see :func:`dockyard.containers.logs.read`."""

    tail: int | None = None
    since: str | None = None
    until: str | None = None


class _Lines:
    """Puts the pieces of a container's lines together, each stream's for itself."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._open: dict[int, tuple[str, bytes]] = {}

    def take(self, piece: LogLine) -> Line | None:
        """The line that a piece completes."""
        moment, text = self._open.pop(piece.stream, (utc(piece), b""))
        text += piece.data
        if not text.endswith(b"\n"):
            self._open[piece.stream] = (moment, text)
            return None
        return Line(self._container, text.removesuffix(b"\n"), moment)

    def rest(self) -> Iterator[Line]:
        """What never got its end."""
        for moment, text in self._open.values():
            yield Line(self._container, text, moment)
        self._open = {}


def read(engine: Engine, containers: Iterable[Observed], wanted: Wanted) -> Iterator[Line]:
    """What there is of the output of some containers, oldest first."""
    makers = [(_Lines(targets.short_name(each)), each) for each in containers]
    return _merged(engine, makers, wanted, end=True)


def _merged(
    engine: Engine, makers: Iterable[tuple[_Lines, Observed]], wanted: Wanted, *, end: bool
) -> Iterator[Line]:
    streams = [_of_one(engine, each.id, lines, wanted, end=end) for lines, each in makers]
    return heapq.merge(*streams, key=lambda line: line.time)


def _of_one(
    engine: Engine, container_id: str, lines: _Lines, wanted: Wanted, *, end: bool = True,
    follow: bool = False,
) -> Iterator[Line]:  # fmt: skip
    """The lines of one container; none where its output isn't kept."""
    try:
        pieces = engine.containers.logs(
            container_id, follow=follow, tail=wanted.tail, since=wanted.since, until=wanted.until
        )
        for piece in pieces:
            line = lines.take(piece)
            if line is not None:
                yield line
    except NotSupported as error:
        engine.parts.warn(f"can't read the log of {container_id[:12]}: {error.message}")
    except NotFound:  # it was removed meanwhile
        return
    if end:
        yield from lines.rest()


def _nothing() -> bool:
    """What is there is all that there will be."""
    return False


class Follower:
    """Follows the output of a project's containers, those that are started meanwhile too.

    Iterating ends when none of them runs any more.
    """

    def __init__(
        self, engine: Engine, project: str, services: Collection[str], wanted: Wanted, *,
        now: int, index: int = 0, statuses: bool = True, more: Callable[[], bool] = _nothing,
        patience: float = 0.0,
    ) -> None:  # fmt: skip
        """``services`` are all where empty, ``now`` is in nanoseconds since 1970.

        Args:
            index: only the containers of that number.
            statuses: tell of containers that ended.
            more: whether containers may come though none runs now.
            patience: seconds that a command which has stopped one has to start it again.
        """
        self._engine = engine
        self._project = project
        self._services = services
        self._wanted = wanted
        self._now = now
        self._index = index
        self._statuses = statuses
        self._more = more
        self._patience = patience
        self._quiet_since: float | None = None
        self._queue: queue.SimpleQueue[Line | Exception | Event] = queue.SimpleQueue()
        self._watched: dict[str, threading.Thread] = {}
        self._names: dict[str, str] = {}
        self._last: dict[str, str] = {}
        """The times of the last lines."""

    def __iter__(self) -> Iterator[Line]:
        """What there is in the order of its time, then what comes as it comes."""
        self._start(self._events)
        present = [each for each in self._present() if self._is_wanted(each)]
        makers = {each.id: _Lines(targets.short_name(each)) for each in present}
        before = msgspec.structs.replace(self._wanted, until=self._end_of_history())
        yield from _merged(
            self._engine, [(makers[each.id], each) for each in present], before, end=False
        )
        for each in present:
            if each.state in UP:
                self._watch(each, makers[each.id])
            else:
                yield from makers[each.id].rest()
        yield from self._coming()

    def _coming(self) -> Iterator[Line]:
        while True:
            try:
                found = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if self._over():
                    return
                continue
            if isinstance(found, Exception):
                raise found
            if isinstance(found, Event):
                yield from self._happened(found)
            else:
                yield found

    def _happened(self, event: Event) -> Iterator[Line]:
        if event.action == "start":
            self._begin(event.actor)
        elif event.action == "die" and self._statuses and event.actor in self._watched:
            self._watched[event.actor].join(timeout=5)  # its last lines come before
            while not self._queue.empty():
                other = self._queue.get()
                if isinstance(other, Line):
                    yield other
                elif isinstance(other, Event):
                    yield from self._happened(other)
                else:
                    raise other
            code = event.attributes.get("exitCode", "0")
            yield Line(self._names[event.actor], f"exited with code {code}".encode(), kind="status")

    def _begin(self, container_id: str) -> None:
        """Watches a container that was started, again or for the first time."""
        thread = self._watched.get(container_id)
        if thread is not None and thread.is_alive():
            return
        try:
            found = observe.refreshed(self._engine, container_id)
        except NotFound:
            return
        if self._is_wanted(found):
            self._watch(found, _Lines(targets.short_name(found)))

    def _watch(self, container: Observed, lines: _Lines) -> None:
        """Tells of what it prints from now on, and nothing of an earlier run again."""
        last = self._last.get(container.id, "")
        begin = max(utc_of(self._now + 1), last, self._wanted.since or "")
        wanted = msgspec.structs.replace(self._wanted, tail=None, since=begin)

        def copy() -> None:
            for line in _of_one(self._engine, container.id, lines, wanted, follow=True):
                if line.time > last:
                    self._last[container.id] = line.time
                    self._queue.put(line)

        self._names[container.id] = targets.short_name(container)
        self._watched[container.id] = self._start(copy)

    def _events(self) -> None:
        for event in self._engine.events(since=self._now):
            if (
                event.type == "container"
                and event.action in {"start", "die"}
                and _of(self._project, event)
            ):
                self._queue.put(event)

    def _start(self, work: Callable[[], object]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  # raised where the lines are read
                self._queue.put(error)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def _over(self) -> bool:
        if self._wanted.until is not None and utc_of(time.time_ns()) > self._wanted.until:
            return True
        if self._more() or any(thread.is_alive() for thread in self._watched.values()):
            return False
        present = [each for each in self._present() if self._is_wanted(each)]
        if any(each.state in UP for each in present):
            self._quiet_since = None
            return False
        now = time.monotonic()
        self._quiet_since = now if self._quiet_since is None else self._quiet_since
        coming = any(self._may_come_back(each) for each in present)
        return not coming or now - self._quiet_since >= self._patience

    def _may_come_back(self, each: Observed) -> bool:
        """Whether a command has stopped it, or begins to start it again."""
        again = each.state == "created" and each.id in self._watched
        return again or each.record.stopped_by_hand

    def _present(self) -> tuple[Observed, ...]:
        return observe.observed(self._engine, self._project).lasting

    def _is_wanted(self, container: Observed) -> bool:
        return (
            not container.oneoff
            and (not self._services or container.service in self._services)
            and (not self._index or container.number == self._index)
        )

    def _end_of_history(self) -> str:
        moment = utc_of(self._now)
        return moment if self._wanted.until is None else min(moment, self._wanted.until)


def _of(project: str, event: Event) -> bool:
    found = event.attributes
    ours = labels.is_ours(found) and not labels.is_oneoff(found)
    return ours and found[labels.PROJECT] == project

"""A try by HTTP: a container that stays gets each record as a request of its own."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dockyard.batch import containers, exchange
from dockyard.batch.decide import Tried
from dockyard.batch.exchange import Reply
from dockyard.batch.model import Http, Outcome
from dockyard.batch.tries import Desk, Means, is_hopeless, own_id
from dockyard.batch.watch import Canceled
from dockyard.errors import DockyardError, RunError

if TYPE_CHECKING:  # it is beside the engine, above us
    from dockyard.handle import RunningContainer

_LOCAL = "127.0.0.1"
_MANY = 20
"""So many failures in a row raise the question whether the server is well."""
_DYING_SECONDS = 0.5
_TAIL = 200
"""Lines of a server's log that are kept."""
_SICK = "the server fails at what it has answered before"
_TROUBLE = (OSError, http.client.HTTPException)


class Server:
    """The container of one worker, which is started when it is needed, and again when it died."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._running: RunningContainer | None = None
        self.port = 0

    @property
    def container(self) -> str:
        """Its id; empty where there is none."""
        return "" if self._running is None else self._running.id

    def ensure(self) -> None:
        """Starts it where it doesn't run, and waits until it is ready.

        Raises:
            Canceled: the batch ends.
            RunError: it isn't ready in time, however often it is started.
        """
        if self.alive():
            return
        job = self._means.batch.job
        for number in range(1, job.tries + 1):
            self.close()
            try:
                self._start()
                return
            except DockyardError as error:
                if self._means.watch.stopping.is_set():
                    raise Canceled from error
                if is_hopeless(error) or number == job.tries:
                    raise _never_ready(error) from error
            self._means.watch.wait(number)

    def _start(self) -> None:
        means = self._means
        job, http = means.batch.job, self.http
        wanted = containers.options(means.batch, means.meter.within(job.options))
        with means.watch.at_work(None) as hand:
            self._running = means.engine.run(means.image, options=wanted, remove=False)
            hand.container = self._running.id
            self._running.wait_until_ready(http.ready, port=http.port, seconds=http.ready_seconds)
        self.port = self._running.ports[http.port]

    @property
    def http(self) -> Http:
        """How records are posted to it."""
        found = self._means.batch.job.http
        assert found is not None, "only batches by HTTP have servers"  # noqa: S101
        return found

    def alive(self, patience: float = 0.0) -> bool:
        """Whether its process runs; one that is about to end gets ``patience`` seconds for it."""
        if self._running is None:
            return False
        process = self._running.record.process
        return process is not None and not process.wait(patience) and process.alive()

    def ending(self, desk: Desk) -> str:
        """How it ended, in words; what it printed goes to the notes."""
        if self._running is None:
            return "the container could not be started"
        running = self._running
        with contextlib.suppress(DockyardError):
            running.wait()  # its last words are written down before its end is
        record = running.record
        with contextlib.suppress(DockyardError):
            desk.notes.write(running.logs(tail=_TAIL).encode())
        return containers.ending(record, desk.notes.last) or "the container ended"

    def close(self) -> None:
        """Ends and removes it. Idempotent."""
        if self._running is not None:
            containers.remove(self._means.engine, self._running.id)
            self._running = None


def _never_ready(error: DockyardError) -> DockyardError:
    if not isinstance(error, RunError):
        return error
    return RunError(
        error.message, context=error.context, exit_code=1,
        hint="--port and --ready say where it answers, --ready-timeout how long it may take;"
        " dockyard batch resume goes on",
    )  # fmt: skip


def attempt(
    means: Means, desk: Desk, server: Server, positions: Sequence[int], *, one_by_one: bool
) -> Tried:
    """Posts records to a server, and takes its answers.

    Args:
        one_by_one: one request at a time: should it die, the first record that is left killed it.

    Raises:
        Canceled: the batch ends.
        DockyardError: no server can be started, or nothing can be written.
    """
    server.ensure()
    posting = _Posting(means, desk, server, positions)
    count = 1 if one_by_one else server.http.concurrency
    with means.watch.at_work(None) as hand:
        hand.container = server.container
        with ThreadPoolExecutor(count) as pool:
            for each in [pool.submit(posting.work) for _ in range(count)]:
                each.result()
        posting.end()
        if means.watch.stopping.is_set():
            raise Canceled
    desk.journal.flush()
    left = desk.left(positions)
    if posting.sick:
        server.close()
        return Tried(left=left, reason=f"{_SICK}: {posting.last}")
    if not posting.died:
        return Tried(left=left, named=True, reason="no answer", reasons=posting.failures)
    reason = server.ending(desk)
    server.close()
    return Tried(left=left, reason=reason)


class _Posting:
    """The records of one try, which several threads post."""

    def __init__(self, means: Means, desk: Desk, server: Server, positions: Sequence[int]) -> None:
        self._means = means
        self._desk = desk
        self._server = server
        self._next = iter(positions)
        self._guard = threading.Lock()
        self.failures: dict[int, str] = {}
        self.died = False
        self.sick = False
        """The server lives, but fails at what one has answered before."""
        self.last = ""
        """Why a record failed last."""
        self._streak = 0
        """Failures in a row that may be the server's."""

    def work(self) -> None:
        """Posts records until there are no more, or the server died."""
        with contextlib.closing(self._connection()) as connection:
            for position in self._positions():
                self._settle(position, connection)

    def _positions(self) -> Iterator[int]:
        while not (self.died or self.sick or self._means.watch.stopping.is_set()):
            with self._guard:
                position = next(self._next, None)
            if position is None:
                return
            yield position

    def end(self) -> None:
        """After the last record: a server that ends in failures is questioned as well."""
        if self._streak:
            self._question()

    def _settle(self, position: int, connection: http.client.HTTPConnection) -> None:
        try:
            outcome, unwell = self._asked(position, connection)
        except _TROUBLE as error:
            if not self._server.alive(_DYING_SECONDS):
                self.died = True
            outcome, unwell = f"no answer: {exchange.words(error)}", True
        with self._guard:
            if isinstance(outcome, str):
                self._failed(position, outcome, unwell=unwell)
                return
            self._streak = 0
            self._desk.journal.add(outcome)
            if outcome.kind == "result":
                self._means.proof.position = position

    def _failed(self, position: int, reason: str, *, unwell: bool) -> None:
        self.failures[position] = self.last = reason
        self._streak += unwell
        if self._streak >= _MANY:
            self._question()

    def _question(self) -> None:
        """Whether the server still answers what one has answered before: if not, what fails is
        no fault of the records."""
        self._streak = 0
        position = self._means.proof.position
        over = self.died or self.sick or self._means.watch.stopping.is_set()
        if position is None or over:
            return
        with contextlib.closing(self._connection()) as connection:
            try:
                found, _ = self._asked(position, connection)
            except _TROUBLE as error:
                found = exchange.words(error)
        self.sick = isinstance(found, str)

    def _connection(self) -> http.client.HTTPConnection:
        timeout = self._means.batch.job.timeout
        return http.client.HTTPConnection(_LOCAL, self._server.port, timeout=timeout)

    def _asked(
        self, position: int, connection: http.client.HTTPConnection
    ) -> tuple[Outcome | str, bool]:
        """What came of a record, or why nothing did; and whether that may be the server's fault."""
        batch = self._means.batch
        line = self._means.staged.line(position)
        own = own_id(line, batch.id_field)
        reply = self._reply(exchange.request(batch.job, line, own), connection)
        outcome = exchange.outcome(position, own, batch.id_field, reply)
        return outcome, exchange.is_unwell(reply)

    def _reply(self, request: exchange.Request, connection: http.client.HTTPConnection) -> Reply:
        """The answer to a request, which is sent again while the server says that it is busy."""
        reply = _sent(request, connection)
        for number in range(1, self._means.batch.job.tries):
            wait = exchange.busy_seconds(reply, number)
            if wait is None or self._means.watch.stopping.wait(wait):
                return reply
            reply = _sent(request, connection)
        return reply


def _sent(request: exchange.Request, connection: http.client.HTTPConnection) -> Reply:
    """One request; a connection that the server closed meanwhile is made anew."""
    used = connection.sock is not None
    try:
        return _exchanged(request, connection)
    except TimeoutError:
        connection.close()
        raise
    except _TROUBLE:
        connection.close()
        if not used:
            raise
        return _exchanged(request, connection)


def _exchanged(request: exchange.Request, connection: http.client.HTTPConnection) -> Reply:
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read(exchange.MAX_BODY + 1)
        if response.length and len(body) <= exchange.MAX_BODY:  # read(n) doesn't say so itself
            raise http.client.IncompleteRead(body, response.length)
    except _TROUBLE:
        connection.close()
        raise
    if len(body) > exchange.MAX_BODY:
        connection.close()
    return Reply(response.status, body, response.headers.get("Retry-After", ""))

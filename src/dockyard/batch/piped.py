"""A try by standard input and output: a container gets records, answers, and ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dockyard.batch import containers
from dockyard.batch.contract import Answers, Broken, Lines
from dockyard.batch.decide import Tried
from dockyard.batch.tries import Desk, Means, is_hopeless, own_id
from dockyard.batch.watch import Canceled, Hand
from dockyard.containers.attach import Streams
from dockyard.containers.model import Container
from dockyard.errors import DockyardError

_STDOUT = 1
_UNANSWERED = "the container ended without an answer to it"


class _BrokenOff(Exception):  # ends the copying of its output
    def __init__(self, broken: Broken) -> None:
        self.broken = broken


class Reader:
    """Takes what a container prints."""

    def __init__(self, answers: Answers, desk: Desk) -> None:
        self._answers = answers
        self._desk = desk
        self._lines = Lines()

    def sink(self, stream: int, data: bytes) -> None:
        """Takes bytes of standard output (1) or standard error (2).

        Raises:
            _BrokenOff: they break the contract.
        """
        if stream != _STDOUT:
            self._desk.notes.write(data)
            return
        try:
            whole = self._lines.feed(data)
        except ValueError as error:
            raise _BrokenOff(Broken(f"its standard output has {error}")) from error
        try:
            for line in whole:
                self._take(line)
        finally:
            self._desk.journal.flush()

    def end(self) -> None:
        """Takes a last line that has no newline. Raises as :meth:`sink`."""
        self._take(self._lines.end())
        self._desk.journal.flush()

    def _take(self, line: bytes) -> None:
        found = self._answers.read(line)
        if isinstance(found, Broken):
            if found.position is not None:
                self._desk.journal.revoke(found.position)
            raise _BrokenOff(found)
        if found is not None:
            self._desk.journal.add(found)


def attempt(means: Means, desk: Desk, positions: Sequence[int]) -> Tried:
    """Gives records to a new container, and takes its answers.

    Raises:
        Canceled: the batch ends.
        DockyardError: no container can be started, or nothing can be written.
    """
    field = means.batch.id_field
    given = ((each, own_id(line, field)) for each, line in means.staged.lines(positions))
    reader = Reader(Answers(given, field), desk)
    with means.watch.at_work(means.batch.job.timeout) as hand:
        reason = _reason(means, desk, reader, hand, positions)
        if means.watch.stopping.is_set():
            raise Canceled
    return Tried(left=desk.left(positions), named=not reason, reason=reason or _UNANSWERED)


def _reason(means: Means, desk: Desk, reader: Reader, hand: Hand, positions: Sequence[int]) -> str:
    """Why the try failed; empty where the container ended well."""
    try:
        finished = _run(means, reader, hand, positions)
        if finished.exit_code == 0:
            reader.end()
    except _BrokenOff as error:
        return error.broken.reason
    except DockyardError as error:
        if not hand.late and not means.watch.stopping.is_set() and is_hopeless(error):
            raise
        return _late(means) if hand.late else error.message
    finally:
        if hand.container:
            containers.remove(means.engine, hand.container)
    return _late(means) if hand.late else containers.ending(finished, desk.notes.last)


def _late(means: Means) -> str:
    return f"the container gave no sign of life for {means.batch.job.timeout:g} s"


def _run(means: Means, reader: Reader, hand: Hand, positions: Sequence[int]) -> Container:
    job = means.batch.job
    wanted = containers.options(means.batch, means.meter.within(job.options))

    def created(container: Container) -> None:
        hand.container = container.id

    def sink(stream: int, data: bytes) -> None:
        hand.touch()
        reader.sink(stream, data)

    with _spool(means, positions) as stdin:
        return means.engine.containers.run(
            means.image, job.image_name, wanted, Streams(sink, stdin), created
        )


@contextmanager
def _spool(means: Means, positions: Sequence[int]) -> Iterator[int]:
    """A file without a name that has the records, at its beginning."""
    with tempfile.TemporaryFile(dir=means.engine.paths.batch(means.batch.id)) as file:
        means.staged.copy(positions, file.fileno())
        file.seek(0)
        yield file.fileno()

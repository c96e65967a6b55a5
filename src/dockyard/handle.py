"""A running container in the hands of a Python program."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dockyard.containers.apply import Containers
from dockyard.containers.attach import Sink, Streams
from dockyard.containers.exec import ExecOptions
from dockyard.containers.logs import LogLine
from dockyard.containers.model import Container, Options, Resources, Restart
from dockyard.errors import DockyardError, NotFound, RunError
from dockyard.observability.stats import Sample

if TYPE_CHECKING:
    from dockyard.arguments.api import HasDescriptor, Source
    from dockyard.containers.content.changes import Change
    from dockyard.containers.last_words import LastWords
    from dockyard.containers.processes import Processes
    from dockyard.images.model import Image

_POLL_SECONDS = 0.05
_LAST_LINES = 20
"""Of a log, in an error."""


class RunningContainer:
    """A container that :meth:`dockyard.Engine.run` started.

    As a context manager it is stopped, and removed if it was started with ``remove``, at the end
    of the block.
    """

    def __init__(
        self, containers: Containers, container: Container, words: LastWords | None = None
    ) -> None:
        """``words`` hold the end of its log where it takes that along."""
        self._containers = containers
        self._container = container
        self._words = words

    def __repr__(self) -> str:
        """Its name, short id and state as they were last seen: nothing is read for it."""
        return f"<RunningContainer {self.name} {self.id[:12]} {self._container.shown_state}>"

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._container.id

    @property
    def name(self) -> str:
        return self._container.name

    @property
    def record(self) -> Container:
        """The container's record as it is now; as it was at its end where it was removed."""
        self._container = self._containers.last_known(self._container)
        return self._container

    @property
    def ports(self) -> dict[int, int]:
        """Host port of each published container port."""
        mappings = self._containers.ports(self._container)
        return {mapping.container_port: mapping.host_port for mapping in mappings}

    def url(self, port: int | None = None) -> str:
        """``http://127.0.0.1:PORT`` for a published container port; the first where ``None``.

        Raises:
            NotFound: that port isn't published.
            RunError: the container ended.
        """
        ports = self.ports
        wanted = next(iter(ports), None) if port is None else port
        if wanted is None or wanted not in ports:
            if not self._awaited:
                raise self._ended()
            raise self._not_published(port, ports)
        return f"http://127.0.0.1:{ports[wanted]}"

    def wait_until_ready(self, path: str = "/", *, port: int | None = None,
                         seconds: float = 60.0) -> str:  # fmt: skip
        """Waits until an HTTP GET of ``path`` is answered with a status below 500.

        Returns:
            The address without the path; see :meth:`url`.

        Raises:
            NotFound: that port isn't published.
            RunError: the container ended, with which code, or did not answer within ``seconds``;
                the context holds the end of its log.
        """
        from dockyard.observability.answering import answers

        address = self.url(port)
        deadline = time.monotonic() + seconds
        while not answers(address + path):
            if self._words is not None:
                self._words.refresh()
            if not self._awaited:
                raise self._ended()
            if time.monotonic() > deadline:
                raise RunError(
                    f"container {self.name} did not answer at {address}{path} in {seconds:g} s",
                    context=self._last_words(),
                    hint="does it listen on 0.0.0.0, and on that port? seconds= waits longer",
                )
            time.sleep(_POLL_SECONDS)
        return address

    @property
    def health(self) -> str:
        """``starting``, ``healthy``, ``unhealthy``, ``unknown``, or ``none`` without a check."""
        report = self._containers.health(self.record)
        return "none" if report is None else report.status

    @property
    def restart_count(self) -> int:
        """How often its policy has restarted it since a program or command started it."""
        return self.record.restarts.count

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        """Waits until its health check says that it is healthy.

        Raises:
            RunError: it ended, has no check, or isn't healthy within ``seconds``; the context is
                the end of its log, or what the last probe printed.
        """
        deadline = time.monotonic() + seconds
        while (status := self.health) != "healthy":
            if not self._awaited:
                raise self._ended()
            if status == "none":
                raise RunError(
                    f"container {self.name} has no health check to wait for",
                    hint="HEALTHCHECK in its Dockerfile or Options(health=...) gives it one;"
                    " wait_until_ready asks a published port instead",
                )
            if time.monotonic() > deadline:
                report = self._containers.health(self.record)
                said = report.log[-1].output if report is not None and report.log else None
                raise RunError(
                    f"container {self.name} is {status}, not healthy, after {seconds:g} s",
                    context=said,
                    hint="the context is what the last probe printed; seconds= waits longer",
                )
            time.sleep(_POLL_SECONDS)

    def logs(self, *, tail: int | None = None) -> str:
        """What it printed so far, both streams together.

        Raises:
            NotFound: it ended and was removed; the context holds the end of its log.
        """
        with self._present():
            lines = self._containers.logs(self.id, tail=tail)
            return b"".join(line.data for line in lines).decode(errors="replace")

    def follow(self, *, tail: int | None = None) -> Iterator[LogLine]:
        """What it printed, and what it prints until its end; ``tail`` begins with the last lines.

        Raises:
            NotSupported: its log driver keeps nothing.
        """
        with self._present():
            return self._containers.logs(self.id, follow=True, tail=tail)

    def attach(self, output: Sink, *, stdin: int | HasDescriptor | None = None) -> int:
        """Connects to its streams until it ends; its exit code.

        Args:
            output: called with 1 (stdout, and all of a terminal) or 2 (stderr), and bytes, from
                now on.
            stdin: what it reads from: a descriptor, or an open file that has one; it needs
                ``Console(interactive=True)``.

        Raises:
            Conflict: it doesn't run.
        """
        from dockyard.arguments import api

        streams = Streams(api.callback("output", output), api.descriptor("stdin", stdin))
        with self._present():
            return self._containers.attach(self.id, streams).exit_code

    def exec(
        self,
        command: Sequence[str],
        *,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        privileged: bool = False,
        stdin: Source | None = None,
        output: Sink | None = None,
    ) -> tuple[int, str]:
        """Runs another command in it; exit code and what it printed (both streams).

        Args:
            user: ``name`` or ``uid``, with a group after a colon; that of the container otherwise.
            env: variables on top of the container's.
            working_dir: that of the container where ``None``.
            privileged: with every capability, though the container has fewer.
            stdin: what the command reads: bytes, a descriptor, or an open file that has one;
                without, its input is empty.
            output: called with 1 (stdout) or 2 (stderr) and bytes as they come, from a thread for
                each; the text is then empty.

        Raises:
            InvalidInput: an argument is of another type than its annotation, such as a command
                that is one string.
            Conflict: the container doesn't run.
            NotFound: it ended and was removed.
            RunError: the command can't be found (127) or invoked (126).
        """
        from dockyard.arguments import api
        from dockyard.containers import piped

        options = ExecOptions(
            command=api.words(command),
            env=api.variables(env),
            user=user,
            working_dir=working_dir,
            privileged=privileged,
            interactive=stdin is not None,
        )
        source, taken = api.source("stdin", stdin), api.callback("output", output)
        with self._present():
            return piped.execute(self._containers, self.id, api.checked(options), source, taken)

    def pause(self) -> None:
        """Freezes all of its processes until :meth:`unpause`."""
        with self._present():
            self._container = self._containers.pause(self.id)

    def unpause(self) -> None:
        """Lets it go on."""
        with self._present():
            self._container = self._containers.unpause(self.id)

    def restart(self, seconds: float | None = None) -> None:
        """Stops it as :meth:`stop` does, and starts it again."""
        with self._present():
            self._container = self._containers.restart(self.id, seconds)

    def rename(self, name: str) -> None:
        """Gives it another name."""
        self._container = self._containers.rename(self.id, name)

    def update(self, changes: Resources | None = None, restart: Restart | None = None) -> None:
        """Changes its limits, at once, and its restart policy; what isn't given stays.

        Raises:
            InvalidInput: a field of theirs is of another type than its annotation.
        """
        from dockyard.arguments import api

        limits = api.options("changes", changes, Resources)
        policy = api.options("restart", restart, Restart)
        self._container = self._containers.update(self.id, limits, policy)

    def top(self, *arguments: str) -> Processes:
        """Its processes, by the host's numbers; the arguments are options of ps(1)."""
        with self._present():
            return self._containers.top(self.id, arguments)

    def diff(self) -> tuple[Change, ...]:
        """What it has added, changed and deleted of its image's files."""
        with self._present():
            return self._containers.diff(self.id)

    def copy_to(self, source: str, target: str, *, follow: bool = False) -> int:
        """Copies a file or directory of this host into it; the bytes of the files.

        ``target`` follows Docker's rules: an existing directory takes the source under its name.
        """
        return self._containers.copy_to(self.id, source, target, follow=follow)

    def copy_from(self, source: str, target: str, *, follow: bool = False) -> int:
        """Copies a file or directory of it to this host, see :meth:`copy_to`."""
        return self._containers.copy_from(self.id, source, target, follow=follow)

    def export(self, write: Callable[[bytes | memoryview], object]) -> None:
        """Writes its files, without volumes, as a tar stream."""
        self._containers.export(self.id, write)

    def commit(
        self, tag: str | None = None, *, message: str = "", changes: Sequence[str] = ()
    ) -> Image:
        """Makes an image of what it has changed; see :meth:`dockyard.Engine.commit`."""
        from dockyard.build.changes import changed
        from dockyard.containers.content.commit import CommitOptions
        from dockyard.oci.reference import Reference

        options = CommitOptions(name=Reference.parse(tag) if tag else None, message=message)
        return self._containers.commit(self.id, options, lambda one: changed(one, changes))

    def stats(self) -> Sample:
        """What it uses at this moment."""
        return self._containers.stats(self.record)

    def wait(self) -> int:
        """Waits for its end; its exit code."""
        try:
            return self._containers.wait(self.id)
        except NotFound:  # it ended, and is removed already
            return self.record.exit_code

    def stop(self, seconds: float | None = None) -> int:
        """Stops it, and kills it after ``seconds`` (10 unless it was made with another time).

        Returns:
            Its exit code.
        """
        self._container = self._containers.stop(self.id, seconds)
        return self._container.exit_code

    def remove(self, *, force: bool = False) -> None:
        """Removes it; missing is fine."""
        with contextlib.suppress(NotFound):
            self._containers.remove(self.id, force=force, volumes=True)

    @property
    def _awaited(self) -> bool:
        """It runs, or its policy is about to have it run again."""
        record = self.record
        return record.running or record.state in {"starting", "restarting"}

    def _ended(self) -> RunError:
        return RunError(
            f"container {self.name} ended with exit code {self.record.exit_code}",
            context=self._last_words(),
            hint="above is the end of its log" if self._last_words() else None,
        )

    def _last_words(self) -> str | None:
        if self._words is not None:
            return self._words.tail(_LAST_LINES) or None
        with contextlib.suppress(DockyardError):
            return self.logs(tail=_LAST_LINES) or None
        return None

    @contextlib.contextmanager
    def _present(self) -> Iterator[None]:
        """Says how the container ended where it is needed and isn't there any more."""
        try:
            yield
        except NotFound as error:
            try:
                self._containers.get(self.id)
            except NotFound:
                raise self._removed() from error
            raise

    def _removed(self) -> NotFound:
        return NotFound(
            f"container {self.name} ended with exit code {self.record.exit_code} and was removed",
            context=self._words.tail(_LAST_LINES) if self._words is not None else None,
            hint="run(..., remove=False) keeps a container and its log",
            reference="no-such-container",
        )

    def _not_published(self, port: int | None, ports: Mapping[int, int]) -> NotFound:
        known = ", ".join(map(str, ports))
        return NotFound(
            f"container {self.name} does not publish port {port}"
            if port is not None else f"container {self.name} publishes no port",
            hint=f"it publishes {known}" if known else f"run(..., ports={{{port or 8000}: 0}})"
            " publishes one, on any free port of this host",
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(NotFound):  # it may end, and be removed, by itself meanwhile
            if self.record.running:
                self.stop()


def start(
    containers: Containers, image: Image, image_name: str, options: Options
) -> RunningContainer:
    """Starts a container in the background; see :meth:`dockyard.Engine.run`."""
    words: list[LastWords | None] = []
    container = containers.run(
        image, image_name, options, created=lambda one: words.append(containers.keep_words(one))
    )
    return RunningContainer(containers, container, *words)

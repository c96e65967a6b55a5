"""A running container in the hands of a Python program."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dockyard.containers.apply import Containers
from dockyard.containers.attach import Sink, Streams
from dockyard.containers.exec import ExecOptions
from dockyard.containers.logs import LogLine
from dockyard.containers.model import Container, Resources, Restart
from dockyard.errors import NotFound, RunError
from dockyard.observability.stats import Sample
from dockyard.system.collector import Collector

if TYPE_CHECKING:
    from dockyard.containers.content.changes import Change
    from dockyard.containers.processes import Processes
    from dockyard.images.model import Image

_POLL_SECONDS = 0.05


class RunningContainer:
    """A container that :meth:`dockyard.Engine.run` started.

    As a context manager it is stopped, and removed if it was started with ``remove``, at the end
    of the block.
    """

    def __init__(self, containers: Containers, container: Container) -> None:
        self._containers = containers
        self._container = container

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._container.id

    @property
    def name(self) -> str:
        return self._container.name

    @property
    def record(self) -> Container:
        """The container's record as it is now; the last known one where it was removed."""
        with contextlib.suppress(NotFound):
            self._container = self._containers.get(self.id)
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
        """
        ports = self.ports
        wanted = next(iter(ports), None) if port is None else port
        if wanted is None or wanted not in ports:
            raise NotFound(f"container {self.name} does not publish port {wanted or 'any'}")
        return f"http://127.0.0.1:{ports[wanted]}"

    def wait_until_ready(self, path: str = "/", *, port: int | None = None,
                         seconds: float = 60.0) -> str:  # fmt: skip
        """Waits until an HTTP GET of ``path`` is answered with a status below 500.

        Returns:
            The address without the path; see :meth:`url`.

        Raises:
            RunError: the container ended, or did not answer within ``seconds``; the context holds
                the end of its log.
        """
        address = self.url(port)
        deadline = time.monotonic() + seconds
        while not _answers(address + path):
            if not self.record.running or time.monotonic() > deadline:
                ended = "ended" if not self.record.running else f"did not answer in {seconds:g} s"
                raise RunError(f"container {self.name} {ended}", context=self.logs(tail=20))
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
                what the last probe printed.
        """
        deadline = time.monotonic() + seconds
        while (status := self.health) != "healthy":
            if status == "none" or not self.record.running or time.monotonic() > deadline:
                report = self._containers.health(self.record)
                said = report.log[-1].output if report is not None and report.log else None
                ended = "ended" if not self.record.running else f"is {status}, not healthy"
                raise RunError(f"container {self.name} {ended}", context=said)
            time.sleep(_POLL_SECONDS)

    def logs(self, *, tail: int | None = None) -> str:
        """What it printed so far, both streams together."""
        lines = self._containers.logs(self.id, tail=tail)
        return b"".join(line.data for line in lines).decode(errors="replace")

    def follow(self, *, tail: int | None = None) -> Iterator[LogLine]:
        """What it printed, and what it prints until its end; ``tail`` begins with the last lines.

        Raises:
            NotSupported: its log driver keeps nothing.
        """
        return self._containers.logs(self.id, follow=True, tail=tail)

    def attach(self, output: Sink, *, stdin: int | None = None) -> int:
        """Connects to its streams until it ends; its exit code.

        Args:
            output: gets 1 (stdout, and all of a terminal) or 2 (stderr), and bytes, from now on.
            stdin: a descriptor that it reads from; it needs ``Console(interactive=True)``.

        Raises:
            Conflict: it doesn't run.
        """
        return self._containers.attach(self.id, Streams(output, stdin)).exit_code

    def exec(
        self,
        command: Sequence[str],
        *,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        privileged: bool = False,
        stdin: int | None = None,
        output: Sink | None = None,
    ) -> tuple[int, str]:
        """Runs another command in it; exit code and what it printed (both streams).

        Args:
            user: ``name`` or ``uid``, with a group after a colon; that of the container otherwise.
            env: variables on top of the container's.
            working_dir: that of the container where ``None``.
            privileged: with every capability, though the container has fewer.
            stdin: a descriptor that the command reads from; without, its input is empty.
            output: gets 1 or 2 and bytes as they come, from a thread for each; the text is then
                empty.

        Raises:
            Conflict: the container doesn't run.
            RunError: the command can't be found (127) or invoked (126).
        """
        options = ExecOptions(
            command=tuple(command),
            env=tuple(f"{name}={value}" for name, value in (env or {}).items()),
            user=user,
            working_dir=working_dir,
            privileged=privileged,
            interactive=stdin is not None,
        )
        pieces: list[bytes] = []
        with contextlib.ExitStack() as stack:
            if output is None:
                stdout = stderr = stack.enter_context(Collector(pieces.append))
            else:
                stdout = stack.enter_context(Collector(functools.partial(output, 1)))
                stderr = stack.enter_context(Collector(functools.partial(output, 2)))
            code = self._containers.execute(
                self.id, options, stdin=stdin, stdout=stdout, stderr=stderr
            )
        return code, b"".join(pieces).decode(errors="replace")

    def pause(self) -> None:
        """Freezes all of its processes until :meth:`unpause`."""
        self._container = self._containers.pause(self.id)

    def unpause(self) -> None:
        """Lets it go on."""
        self._container = self._containers.unpause(self.id)

    def restart(self, seconds: float | None = None) -> None:
        """Stops it as :meth:`stop` does, and starts it again."""
        self._container = self._containers.restart(self.id, seconds)

    def rename(self, name: str) -> None:
        """Gives it another name."""
        self._container = self._containers.rename(self.id, name)

    def update(self, changes: Resources | None = None, restart: Restart | None = None) -> None:
        """Changes its limits, at once, and its restart policy; what isn't given stays."""
        self._container = self._containers.update(self.id, changes, restart)

    def top(self, *arguments: str) -> Processes:
        """Its processes, by the host's numbers; the arguments are options of ps(1)."""
        return self._containers.top(self.id, arguments)

    def diff(self) -> tuple[Change, ...]:
        """What it has added, changed and deleted of its image's files."""
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
        return self._containers.wait(self.id)

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


def _answers(url: str) -> bool:
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False

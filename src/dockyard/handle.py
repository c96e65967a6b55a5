"""A running container in the hands of a Python program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dockyard.containers.apply import Containers
from dockyard.containers.attach import Sink, Streams
from dockyard.containers.exec import ExecOptions
from dockyard.containers.model import Options, Resources, Restart
from dockyard.errors import NotFound
from dockyard.observed import ObservedContainer

if TYPE_CHECKING:
    from dockyard.arguments.api import HasDescriptor, Source
    from dockyard.containers.last_words import LastWords
    from dockyard.images.model import Image


class RunningContainer(ObservedContainer):
    """A container that :meth:`dockyard.Engine.run` started.

    As a context manager it is stopped at the end of the block, whatever its restart policy, and
    removed if it was started with ``remove``.
    """

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
            if self._awaited:
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

"""Everything that can be done with containers, for the doors (command line, Python API)."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from dockyard.containers import finish, lifecycle, recover, supervise
from dockyard.containers.content.verbs import Content
from dockyard.containers.happenings import event
from dockyard.containers.model import Container, Options, Resources, Restart
from dockyard.containers.restart import apply as restarts
from dockyard.errors import Conflict, NotFound
from dockyard.images.model import Image
from dockyard.networks.model import HOST_NETWORK, PortMapping

if TYPE_CHECKING:  # each verb imports what it needs: most commands have one
    from dockyard.containers.attach import Streams
    from dockyard.containers.exec import ExecOptions
    from dockyard.containers.health.model import Report
    from dockyard.containers.logs import LogLine
    from dockyard.containers.processes import Processes
    from dockyard.containers.sizes import Sizes
    from dockyard.observability.stats import Sample

_RESTART_POLL_SECONDS = 0.05
ENDING = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Signals by which a user means a container to end; others, such as SIGHUP, are for its program."""


class Containers(Content):
    """The containers of one root."""

    def run(
        self,
        image: Image,
        image_name: str,
        options: Options,
        streams: Streams | None = None,
        created: Callable[[Container], None] | None = None,
    ) -> Container:
        """Creates and starts a container; with ``streams`` also waits for its end.

        Args:
            created: gets the container before it is started.

        Raises:
            RunError: it could not be started, with Docker's exit codes. It stays as created then,
                unless it was to be removed at its end.
            Conflict: its name or a port is taken.
            InvalidInput, NotSupported, PermissionMissing: the options can't be met.
        """
        from dockyard.containers import start

        return start.run(self._parts, image, image_name, options, streams, created)

    def start(self, text: str, streams: Streams | None = None) -> Container:
        """Starts an existing container; one that runs already is left alone."""
        from dockyard.containers import start

        return start.start(self._parts, self.get(text).id, streams)

    def create(self, image: Image, image_name: str, options: Options) -> Container:
        """Makes a container that a later :meth:`start` runs.

        Raises:
            Conflict: its name is taken.
            InvalidInput, NotSupported, PermissionMissing: the options can't be met.
        """
        from dockyard.containers import control

        return control.create(self._parts, image, image_name, options)

    def stop(
        self, text: str, seconds: float | None = None, *, signal_name: str | None = None
    ) -> Container:
        """Asks a container to end, and kills it when it doesn't. Idempotent.

        It stays down, whatever its restart policy.

        Args:
            seconds: how long to wait; the container's own time, or 10 s, where ``None``, and
                without end where negative.
            signal_name: instead of the container's stop signal.

        Raises:
            InvalidInput: no such signal.
        """
        from dockyard.system.signals import signal_number

        container = self.get(text)
        number = signal_number(signal_name or container.stop_signal)
        container = restarts.keep_down(self._parts, container)
        if not container.running:
            return container
        patience = lifecycle.stop_seconds(container, seconds)
        self._signal(container, number, ends=True)
        if not finish.wait_for_process(container.process, patience):
            self._signal(container, signal.SIGKILL)
        return finish.wait(self._parts, container, event(container, "stop"))

    def kill(self, text: str, name: str = "SIGKILL") -> Container:
        """Sends a signal to the container's first process.

        After one that is meant to end it, it stays down, whatever its restart policy.

        Raises:
            Conflict: the container doesn't run.
            InvalidInput: no such signal.
        """
        from dockyard.system.signals import signal_number

        container = self.get(text)
        number = signal_number(name)
        if number in {*ENDING, signal_number(container.stop_signal)}:
            waited = container.state == "restarting"
            container = restarts.keep_down(self._parts, container)
            if waited and container.state == "exited":
                return container
        lifecycle.require_running(container)
        self._signal(container, number, ends=number == signal_number(container.stop_signal))
        if number == signal.SIGKILL:
            return finish.wait(self._parts, container)
        return container

    def restart(
        self, text: str, seconds: float | None = None, *, signal_name: str | None = None
    ) -> Container:
        """Stops a container as :meth:`stop` does, if it runs, and starts it."""
        from dockyard.containers import control, start

        container = self.get(text)
        if control.keep_for_restart(self._parts, container):
            self.stop(container.id, seconds, signal_name=signal_name)
        started = start.start(self._parts, container.id)
        self._parts.store.tell(event(started, "restart"))
        return started

    def pause(self, text: str) -> Container:
        """Freezes all processes of a running container.

        Raises:
            Conflict: it doesn't run, or is paused already.
        """
        from dockyard.containers import pause as pausing

        return pausing.pause(self._parts, self.get(text))

    def unpause(self, text: str) -> Container:
        """Lets a paused container go on.

        Raises:
            Conflict: it isn't paused.
        """
        from dockyard.containers import pause as pausing

        return pausing.unpause(self._parts, self.get(text))

    def rename(self, text: str, name: str) -> Container:
        """Gives a container another name.

        Raises:
            Conflict: the name is taken.
            InvalidInput: it is no valid name.
        """
        from dockyard.containers import control

        return control.rename(self._parts, self.get(text), name)

    def update(
        self,
        text: str,
        changes: Resources | None = None,
        restart: Restart | None = None,
    ) -> Container:
        """Changes limits, at once where it runs, and the restart policy.

        Args:
            changes: the limits to change; what it doesn't give stays.

        Raises:
            InvalidInput, NotSupported, Conflict: the limits can't be met.
        """
        from dockyard.containers import update as updating

        return updating.update(self._parts, self.get(text), changes or Resources(), restart)

    def top(self, text: str, arguments: Sequence[str] = ()) -> Processes:
        """The processes of a running container; see :func:`dockyard.containers.processes.top`."""
        from dockyard.containers import processes

        container = self.get(text)
        found = processes.top(self._parts, container, arguments)
        self._parts.store.tell(event(container, "top"))
        return found

    def wait(self, text: str) -> int:
        """Waits for a container's end; its exit code."""
        container = self.get(text)
        while container.state in {"restarting", "starting"}:
            time.sleep(_RESTART_POLL_SECONDS)
            container = self.get(text)
        if not container.running:
            return container.exit_code
        return finish.wait(self._parts, container).exit_code

    def remove(self, text: str, *, force: bool = False, volumes: bool = False) -> Container:
        """Removes a container; ``volumes`` also its anonymous volumes.

        Raises:
            Conflict: it runs, and ``force`` isn't set.
        """
        container = self.get(text)
        while True:
            lifecycle.require_removable(container, force=force)
            if container.state in {"running", "restarting"}:
                container = restarts.keep_down(self._parts, container)
            if container.running:
                self._signal(container, signal.SIGKILL)
                finish.wait(self._parts, container)
            with self._parts.lock(container.holder) as lock:
                current = self._parts.store.get(container.id)
                if current is not None and current.running:  # it was being started meanwhile
                    container = current
                    continue
                if current is not None:
                    finish.mark_removing(self._parts, current)
                    finish.remove(self._parts, current, volumes=volumes)
                lock.release(remove=True)
            return container

    def unlink(self, text: str) -> NoReturn:
        """What ``rm --link`` does: there are no links between containers to remove.

        Raises:
            NotFound: no such container, hence no such link.
            Conflict: a container's own name is no link.
        """
        self.get(text)
        raise Conflict(
            "conflict, cannot remove the default link name of the container",
            hint="there are no links here: dockyard rm removes the container",
        )

    def all(self) -> list[Container]:
        """All containers, newest first, whatever their state."""
        return self._parts.store.all()

    def ports(self, container: Container) -> tuple[PortMapping, ...]:
        """The published ports of a running container, with the real host ports."""
        return self._parts.networks.ports(container.holder)

    def logs(
        self,
        text: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Iterator[LogLine]:
        """The container's output; see :func:`dockyard.containers.output.read`."""
        from dockyard.containers import output

        return output.read(
            self._parts, self.get(text), follow=follow, tail=tail, since=since, until=until
        )

    def execute(
        self,
        text: str,
        options: ExecOptions,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        streams: Streams | None = None,
    ) -> int:
        """Runs another command in a running container; its exit code.

        See :func:`dockyard.containers.exec.execute`.
        """
        from dockyard.containers import exec as execution

        container = self.get(text)
        self._rotate(container)
        return execution.execute(
            self._parts, container, options, stdin=stdin, stdout=stdout, stderr=stderr,
            streams=streams,
        )  # fmt: skip

    def attach(self, text: str, streams: Streams) -> Container:
        """Connects to a running container's streams until it ends; the finished container.

        Raises:
            Conflict: it doesn't run.
            Detached: the user left; it runs on.
        """
        from dockyard.containers import start

        container = self.get(text)
        self._rotate(container)
        return start.attach(self._parts, container, streams)

    def stats(self, container: Container) -> Sample:
        """What a running container uses at this moment.

        Raises:
            Conflict: it doesn't run.
        """
        from dockyard.observability import stats

        lifecycle.require_running(container)
        if container.process is None:
            raise NotFound(
                f"container {container.name} has no process",
                hint=f"it has just ended: dockyard start {container.name}",
            )
        layout = self._parts.cgroup_layout
        on_host = container.options.networking.network == HOST_NETWORK
        return stats.read_sample(
            layout, container.cgroup, None if on_host else container.process.pid
        )

    def sizes(self, container: Container) -> Sizes:
        """What a container takes on disk."""
        from dockyard.containers import sizes

        return sizes.sizes(self._parts, container)

    def prune(self, containers: Iterable[Container]) -> tuple[tuple[str, ...], int]:
        """Removes stopped containers; one that was started meanwhile stays.

        Returns:
            The ids of those that went, and the bytes that they held.
        """
        from dockyard.containers import sizes
        from dockyard.observability import events

        removed, freed = [], 0
        for container in containers:
            size = sizes.written(self._parts, container)
            with contextlib.suppress(NotFound, Conflict):
                self.remove(container.id)
                removed.append(container.id)
                freed += size
        attributes = {"reclaimed": str(freed)}
        events.record(self._parts.database, "container", "prune", "", attributes)
        return tuple(removed), freed

    def health(self, container: Container) -> Report | None:
        """What its health check says at this moment; ``None`` where it has none."""
        from dockyard.containers.health import apply as checking

        return checking.report(self._parts, container)

    def healths(self) -> dict[str, Report]:
        """The health of all containers that have a check, by id."""
        from dockyard.containers.health import apply as checking

        return checking.reports(self._parts)

    def recover(self) -> None:
        """Finishes or undoes what a killed command left half-done."""
        recover.recover(self._parts)

    def _rotate(self, container: Container) -> None:
        """Begins a new log file where one is due and the controller hasn't come to it yet."""
        if container.log.rotates:
            from dockyard.containers.logging import rotate

            rotate.check(self._parts, container)

    def _signal(self, container: Container, number: int, *, ends: bool = False) -> None:
        """Signals the first process; told before, so that the order is that of the effects.

        Args:
            ends: it is meant to end the container, so a paused one has to get it.
        """
        from dockyard.containers import pause as pausing

        self._parts.store.tell(event(container, "kill", signal=str(int(number))))
        finish.send_signal(container.process, number)
        if container.paused and (ends or number == signal.SIGKILL):
            pausing.thaw_if_paused(self._parts, container)

    def bring_back(self) -> list[Container]:
        """After the host's start: starts what the policies ``always`` and ``unless-stopped`` want.

        Idempotent: only the first call after a boot does something. The controller starts them.
        """
        found = restarts.bring_back(self._parts)
        if found:
            supervise.ensure(self._parts)
        return found

"""Everything that can be done with containers, for the doors (command line, Python API)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from dockyard.containers import exec as execution
from dockyard.containers import finish, lifecycle, logs, recover, start, supervise
from dockyard.containers.attach import Streams
from dockyard.containers.happenings import event
from dockyard.containers.model import Container, Options
from dockyard.containers.parts import Parts
from dockyard.containers.restart import apply as restarts
from dockyard.errors import InvalidInput, NotFound
from dockyard.images.model import Image
from dockyard.networks.model import PortMapping
from dockyard.observability import stats

_RESTART_POLL_SECONDS = 0.05
DEFAULT_STOP_SECONDS = 10.0
_ENDING = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Signals by which a user means a container to end; others, such as SIGHUP, are for its program."""


class Containers:
    """The containers of one root."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def run(
        self, image: Image, image_name: str, options: Options, streams: Streams | None = None
    ) -> Container:
        """Creates and starts a container; with ``streams`` also waits for its end.

        Raises:
            RunError: it could not be started, with Docker's exit codes.
            Conflict: its name or a port is taken.
            InvalidInput, NotSupported, PermissionMissing: the options can't be met.
        """
        return start.run(self._parts, image, image_name, options, streams)

    def start(self, text: str, streams: Streams | None = None) -> Container:
        """Starts an existing container; one that runs already is left alone."""
        return start.start(self._parts, self.get(text).id, streams)

    def stop(self, text: str, seconds: float = DEFAULT_STOP_SECONDS) -> Container:
        """Asks a container to end, and kills it after ``seconds``. Idempotent.

        It stays down, whatever its restart policy.
        """
        container = restarts.keep_down(self._parts, self.get(text))
        if not container.running:
            return container
        self._signal(container, signal_number(container.stop_signal))
        if not finish.wait_for_process(container.process, seconds):
            self._signal(container, signal.SIGKILL)
        return finish.wait(self._parts, container, event(container, "stop"))

    def kill(self, text: str, name: str = "SIGKILL") -> Container:
        """Sends a signal to the container's first process.

        After one that is meant to end it, it stays down, whatever its restart policy.

        Raises:
            Conflict: the container doesn't run.
            InvalidInput: no such signal.
        """
        container = self.get(text)
        number = signal_number(name)
        if number in {*_ENDING, signal_number(container.stop_signal)}:
            waited = container.state == "restarting"
            container = restarts.keep_down(self._parts, container)
            if waited and container.state == "exited":
                return container
        lifecycle.require_running(container)
        self._signal(container, number)
        if number == signal.SIGKILL:
            return finish.wait(self._parts, container)
        return container

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

    def get(self, text: str) -> Container:
        """A container by name, id or beginning of an id.

        Raises:
            NotFound: there is none.
        """
        return self._parts.store.find(text)

    def all(self) -> list[Container]:
        """All containers, newest first, whatever their state."""
        return self._parts.store.all()

    def ports(self, container: Container) -> tuple[PortMapping, ...]:
        """The published ports of a running container, with the real host ports."""
        endpoint = self._parts.networks.endpoint(container.holder)
        return () if endpoint is None else endpoint.ports

    def logs(
        self,
        text: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: str | None = None,
    ) -> Iterator[logs.LogLine]:
        """The container's output; see :func:`dockyard.containers.logs.read`."""
        container = self.get(text)
        path = start.log_path(self._parts, container)
        moment = None if since is None else logs.to_utc(since)
        return logs.read(
            path, follow=follow, ended=lambda: self._over(container.id), tail=tail, since=moment
        )

    def execute(
        self,
        text: str,
        options: execution.ExecOptions,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> int:
        """Runs another command in a running container; its exit code."""
        container = self.get(text)
        return execution.execute(
            self._parts, container, options, stdin=stdin, stdout=stdout, stderr=stderr
        )

    def stats(self, container: Container) -> stats.Sample:
        """What a running container uses at this moment.

        Raises:
            Conflict: it doesn't run.
        """
        lifecycle.require_running(container)
        if container.process is None:
            raise NotFound(f"container {container.name} has no process")
        layout = self._parts.cgroup_layout
        return stats.read_sample(layout, container.cgroup, container.process.pid)

    def recover(self) -> None:
        """Finishes or undoes what a killed command left half-done."""
        recover.recover(self._parts)

    def _signal(self, container: Container, number: int) -> None:
        """Signals the first process; told before, so that the order is that of the effects."""
        self._parts.store.tell(event(container, "kill", signal=str(int(number))))
        finish.send_signal(container.process, number)

    def bring_back(self) -> list[Container]:
        """After the host's start: starts what the policies ``always`` and ``unless-stopped`` want.

        Idempotent: only the first call after a boot does something. The controller starts them.
        """
        found = restarts.bring_back(self._parts)
        if found:
            supervise.ensure(self._parts)
        return found

    def _over(self, container_id: str) -> bool:
        """True when nothing more will be written to the log: process and monitor are gone."""
        container = self._parts.store.get(container_id)
        if container is None or container.state not in {"running", "restarting", "starting"}:
            return True
        if container.options.restart.policy != "no" and not container.stopped_by_hand:
            return False  # what follows its end is written down in a moment
        monitored = container.monitor is not None and container.monitor.alive()
        alive = container.process is not None and container.process.alive()
        return not (alive or monitored)


def signal_number(text: str) -> int:
    """The number of ``SIGTERM``, ``TERM`` or ``15``.

    Raises:
        InvalidInput: no such signal.
    """
    name = text.upper()
    if name.isdecimal() and int(name) in range(1, 65):
        return int(name)
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise InvalidInput(
            f"invalid signal: {text}", hint="a name such as TERM, or a number from 1 to 64"
        ) from None

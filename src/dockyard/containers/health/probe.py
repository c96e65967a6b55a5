"""One probe: a command in the container, its output, and its end, by itself or by force."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable

from dockyard.containers import exec as execution
from dockyard.containers.exec import ExecOptions
from dockyard.containers.health import decide
from dockyard.containers.health.model import Check, Result
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.controller.host import Host
from dockyard.errors import DockyardError
from dockyard.system import cgroups, host
from dockyard.system.host import ProcessIdentity

_NAME = "health"
_FILES = ("json", "pid", "log")
_PIECE = 1 << 14
_PIECES = 64
_KILL_SECONDS = 5.0
_PAUSE = 0.005

Done = Callable[[Result], None]


class Probe:
    """Runs beside the controller's loop; ``done`` gets the result in it.

    The files are named the same for each probe of a container, so that the next controller finds
    what a killed one left running (:func:`end_stray`).
    """

    def __init__(
        self, parts: Parts, host_: Host, container: Container, check: Check, done: Done
    ) -> None:
        self._parts = parts
        self._host = host_
        self._container = container
        self._check = check
        self._done = done
        self._output = bytearray()
        self._begun = time.time_ns()
        self.deadline: int | None = self._begun + check.timeout
        """When it is to be killed; ``None`` while it is."""
        self._pipe = -1
        self._end = -1
        self._child: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Starts the command; where that fails, it is the result."""
        base = _base(self._parts, self._container)
        try:
            options = ExecOptions(command=self._check.command)
            document = execution.process_document(self._parts, self._container, options)
            with open(f"{base}.json", "wb") as stream:
                stream.write(document)
            self._pipe, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            os.set_blocking(write, True)
            try:
                self._child = self._spawn(base, write)
            finally:
                os.close(write)
        except (DockyardError, OSError) as error:
            self._finish(-1, str(error))
            return
        self._end = os.pidfd_open(self._child.pid)
        self._host.watch(self._pipe, self._read)
        self._host.watch(self._end, self._ended)

    def _spawn(self, base: str, write: int) -> subprocess.Popen[bytes]:
        runtime = self._parts.runtime_of(self._container)
        return subprocess.Popen(
            runtime.command("--log", f"{base}.log", "exec", "--process", f"{base}.json",
                            "--pid-file", f"{base}.pid", self._container.id),
            env=runtime.environment, stdin=subprocess.DEVNULL, stdout=write, stderr=write,
        )  # fmt: skip

    def expire(self) -> None:
        """Kills it, for its time is over."""
        self.deadline = None
        self._stop_watching_end()
        self._host.do(self._kill, self._killed)

    def abandon(self) -> None:
        """Kills it and forgets it: the controller ends."""
        if self._child is not None:
            self._kill()
            self._close()

    def _read(self) -> None:
        """Takes what there is, but no more at a time: who writes without end must not hold up
        the controller's loop."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PIECES):
                piece = os.read(self._pipe, _PIECE)
                if not piece:
                    self._stop_reading()
                    return
                room = decide.MAX_OUTPUT + 1 - len(self._output)
                self._output += piece[: max(room, 0)]

    def _ended(self) -> None:
        code = self._child.wait() if self._child is not None else -1
        if self._pipe >= 0:
            self._read()
        base = _base(self._parts, self._container)
        if code != 0 and not os.path.exists(f"{base}.pid"):  # it was the runtime that failed
            self._finish(-1, _text(f"{base}.log"))
            return
        self._finish(code if code >= 0 else 128 - code, decide.shortened(bytes(self._output)))

    def _kill(self) -> None:
        """Ends what runs in the container, whereupon the runtime that waits for it ends."""
        if self._child is None:
            return
        runtime = host.identify(self._child.pid)
        _end(self._parts, self._container, () if runtime is None else (runtime,))
        self._child.wait()

    def _killed(self, error: BaseException | None) -> None:
        if error is not None:
            name = self._container.name
            self._host.journal.error(f"a hung health check of {name} could not be ended: {error}")
        if self._pipe >= 0:
            self._read()
        self._finish(-1, decide.timed_out(self._check, decide.shortened(bytes(self._output))))

    def _finish(self, code: int, output: str) -> None:
        self._close()
        end = time.time_ns()
        self._done(Result(start=self._begun, end=end, exit_code=code, output=output))

    def _close(self) -> None:
        self._stop_watching_end()
        self._stop_reading()
        _forget(_base(self._parts, self._container))

    def _stop_reading(self) -> None:
        if self._pipe >= 0:
            self._host.forget(self._pipe)
            os.close(self._pipe)
            self._pipe = -1

    def _stop_watching_end(self) -> None:
        if self._end >= 0:
            self._host.forget(self._end)
            os.close(self._end)
            self._end = -1


def end_stray(parts: Parts, container: Container) -> None:
    """Kills a probe that a controller left in the container; nothing where there is none."""
    base = _base(parts, container)
    if any(os.path.exists(f"{base}.{ending}") for ending in _FILES):
        _end(parts, container, host.with_argument(f"{base}.json"))


def _end(parts: Parts, container: Container, runtimes: tuple[ProcessIdentity, ...]) -> None:
    """Kills a probe with its children.

    A runtime gives a command a session of its own. Whatever is in it, or descends from its
    leader or from the runtime, goes; only processes in the container's cgroup are looked at.

    Args:
        runtimes: those that began it. One may not have come as far as to start the command, so
            this goes on until it has ended, which follows from the command's end.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while True:
        text = _text(f"{_base(parts, container)}.pid")
        leaders = {one.pid for one in runtimes} | ({int(text)} if text.isdecimal() else set())
        inside = cgroups.pids(parts.cgroup_layout, container.cgroup)
        members = host.session_members(leaders, inside)
        for identity in members:
            identity.signal(signal.SIGKILL)
        if not members and not any(one.alive() for one in runtimes):
            break
        if time.monotonic() > deadline:
            for identity in runtimes:
                identity.signal(signal.SIGKILL)
            break
        time.sleep(_PAUSE)
    _forget(_base(parts, container))


def _base(parts: Parts, container: Container) -> str:
    return f"{parts.paths.bundle(container.id)}/{_NAME}"


def _forget(base: str) -> None:
    for ending in _FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{base}.{ending}")


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return ""

"""``exec`` with a terminal: a monitor of its own has the terminal, so one can leave and it stays.

Everything of a session is in one directory below the container's bundle. The monitor's exit
command removes it, and with the bundle it goes anyway.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Callable
from typing import Self

import msgspec

from dockyard.containers import monitor
from dockyard.containers.attach import Streams
from dockyard.containers.model import Container
from dockyard.containers.runtime import Runtime
from dockyard.errors import RunError
from dockyard.oci.runtime import encode
from dockyard.state.paths import Paths
from dockyard.system import process
from dockyard.system.files import remove_tree, write_atomically

_PTS_MAJORS = range(136, 144)
"""Device numbers of pseudo-terminals (Linux's devices.txt)."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A process that is to get a terminal in a running container."""

    container: Container
    paths: Paths
    runtime: Runtime
    exec_id: str
    document: dict[str, object]
    """The runtime specification's process object."""
    uid: int
    """Whom the terminal is to belong to."""
    place: Callable[[int], None]
    """Moves the monitor, by its pid, into a cgroup of its own."""

    @property
    def directory(self) -> str:
        """Its attach socket, FIFOs and files."""
        return f"{self.paths.bundle(self.container.id)}/exec-{self.exec_id[:16]}"

    def arguments(self, *, attached: bool) -> list[str]:
        """The monitor's command line. Pure but for the programs' paths."""
        base = self.directory
        arguments = [
            process.require("conmon"), "--api-version", "1", "--cid", self.container.id, "--cuuid",
            self.container.id, "--name", self.container.name, "--runtime", self.runtime.path,
            "--bundle", base, "--container-pidfile", f"{base}/pid", "--conmon-pidfile",
            f"{base}/monitor.pid", "--exit-dir", f"{base}/exits", "--full-attach",
            "--log-path", "none", "--log-level", "warning", "--terminal",
            "--exec", "--exec-process-spec", f"{base}/process.json",
        ]  # fmt: skip
        for argument in self.runtime.global_arguments:
            arguments += ["--runtime-arg", argument]
        arguments += ["--exec-attach"] if attached else []
        arguments += ["--exit-command", process.require("rm")]
        for argument in ("-rf", "--", base):
            arguments += ["--exit-command-arg", argument]
        return arguments


def run(session: Session, streams: Streams | None) -> int:
    """Runs it to its end; its exit code. Without ``streams`` it goes on alone: 0.

    Raises:
        Detached: the user left; the process runs on.
        RunError: it can't be started, with Docker's exit codes.
    """
    os.mkdir(session.directory, mode=0o700)  # its parent goes when the container ends
    try:
        os.mkdir(f"{session.directory}/exits", mode=0o700)
        write_atomically(
            f"{session.directory}/process.json",
            encode(session.document),
            durable=False,
        )
        with _Pipes() as pipes:
            errors = _begin(session, streams, pipes)
            answer = monitor.parse_answer(pipes.answer_line())
            if answer.data <= 0:
                raise _refusal(session, answer, errors)
            _own_terminal(answer.data, session.uid)
            if streams is None:
                return 0
            streams.run(session.container, session.directory)
            return monitor.parse_answer(pipes.answer_line()).data
    except RunError:
        remove_tree(session.directory)
        raise
    finally:
        if streams is not None:
            streams.close()


def _begin(session: Session, streams: Streams | None, pipes: _Pipes) -> str:
    """Starts the monitor and connects to it; what it said on its standard error."""
    child = subprocess.Popen(
        session.arguments(attached=streams is not None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=monitor.environment(
            session.paths, _OCI_SYNCPIPE=pipes.answer[1], _OCI_STARTPIPE=pipes.go[0],
            _OCI_ATTACHPIPE=pipes.ready[1],
        ),
        cwd=session.directory,
        pass_fds=(pipes.answer[1], pipes.go[0], pipes.ready[1]),
        start_new_session=True,
    )  # fmt: skip
    pipes.hand_over()
    session.place(child.pid)
    pipes.advance()
    if streams is not None and monitor.read_answer(pipes.ready[0]):
        streams.open(monitor.attach_socket(session.directory))
        pipes.advance()
    return child.communicate()[1].decode(errors="replace").strip()


def _own_terminal(pid: int, uid: int) -> None:
    """Gives a process its terminal, which crun leaves to root.

    What the process has made of its input meanwhile may be anything; only a terminal is touched.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(f"/proc/{pid}/fd/0", os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            is_terminal = stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in _PTS_MAJORS
            if is_terminal and found.st_uid != uid:
                os.chown(f"/proc/self/fd/{descriptor}", uid, -1)
        finally:
            os.close(descriptor)


def _refusal(session: Session, answer: monitor.Answer, errors: str) -> RunError:
    words = " ".join((answer.message or errors).split()) or "the runtime gave no reason"
    from dockyard.containers import refusal  # only for one

    code, hint = refusal.diagnosis(words)
    args = session.document["args"]
    name = args[0] if isinstance(args, list) else ""
    return RunError(f"failed to execute {name}: {words}", hint=hint, exit_code=code)


class _Pipes:
    """What the monitor and we tell each other: its answers, our permission to go on, its socket."""

    def __init__(self) -> None:
        self.answer = os.pipe2(os.O_CLOEXEC)
        self.go = os.pipe2(os.O_CLOEXEC)
        self.ready = os.pipe2(os.O_CLOEXEC)
        self._open = {*self.answer, *self.go, *self.ready}
        self._rest = b""

    def hand_over(self) -> None:
        """Closes the ends that the monitor has, so that its end can be seen."""
        for descriptor in (self.answer[1], self.go[0], self.ready[1]):
            os.close(descriptor)
            self._open.discard(descriptor)

    def advance(self) -> None:
        """Lets the monitor go on; one that is gone says so in its answer."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.go[1], b"\0")

    def answer_line(self) -> bytes:
        """The monitor's next answer; empty where it went without one."""
        while b"\n" not in self._rest:
            piece = os.read(self.answer[0], 1 << 16)
            if not piece:
                break
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for descriptor in self._open:
            os.close(descriptor)

"""conmon: the small process that stays with a container when the command has ended.

It owns the container's output and log, reaps it, writes its exit code, and calls the exit
command. What it answers on its pipe is the first process's number, or why there is none.
"""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Sequence

import msgspec

from dockyard import decoding
from dockyard.containers.runtime import Runtime, moments
from dockyard.errors import RunError
from dockyard.state.paths import Paths
from dockyard.system import host, process
from dockyard.system.host import ProcessIdentity

_CREATE_SECONDS = 60.0
_LONGEST_DIRECTORY = 107 - len("/conmon-term.XXXXXX")


class Answer(msgspec.Struct):
    """What conmon writes to its synchronisation pipe."""

    data: int = msgspec.field(name="data", default=-1)
    pid: int = -1
    message: str = ""


class Monitored(msgspec.Struct, frozen=True):
    """A created container and its monitor."""

    process: ProcessIdentity
    monitor: ProcessIdentity


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to call conmon for one container."""

    container_id: str
    name: str
    bundle: str
    log: str
    """The file for the output; empty where none of it is kept."""
    runtime: Runtime
    program: str
    """What the container is to run, for the words of a refusal."""
    rootfs: str = ""
    directory: str = "/"
    """Where the program starts, in the root filesystem."""
    interactive: bool
    keep_stdin: bool = False
    """Leave the program's input open when who is attached goes."""
    terminal: bool = False
    exit_command: tuple[str, ...]
    exit_delay: int = 0
    """Seconds for the one who waits for the container to clean up before the exit command does."""

    def arguments(self, paths: Paths) -> list[str]:
        """The command line. Pure."""
        arguments = [
            "--api-version", "1", "--cid", self.container_id, "--cuuid", self.container_id,
            "--name", self.name, "--runtime", self.runtime.path, "--bundle", self.bundle,
            "--container-pidfile", pid_file(self.bundle), "--conmon-pidfile",
            monitor_pid_file(self.bundle), "--exit-dir", paths.exits, "--persist-dir", self.bundle,
            "--full-attach", "--log-path", f"k8s-file:{self.log}" if self.log else "none",
            "--log-level", "warning",
        ]  # fmt: skip
        for argument in self.runtime.global_arguments[:2]:
            arguments += ["--runtime-arg", argument]
        arguments += ["--systemd-cgroup"] if self.runtime.systemd else []
        if self.terminal:  # its input stays open by itself, and --stdin would have it closed
            arguments += ["--terminal"]
        elif self.interactive:
            arguments += ["--stdin", *(["--leave-stdin-open"] if self.keep_stdin else [])]
        arguments += ["--exit-delay", str(self.exit_delay)] if self.exit_delay else []
        arguments += ["--exit-command", self.exit_command[0]]
        for argument in self.exit_command[1:]:
            arguments += ["--exit-command-arg", argument]
        return arguments


def pid_file(bundle: str) -> str:
    return f"{bundle}/pid"


def monitor_pid_file(bundle: str) -> str:
    return f"{bundle}/monitor.pid"


def attach_socket(bundle: str) -> str:
    return f"{bundle}/attach"


def end_mark(bundle: str) -> str:
    """A file that says that a command is ending the container, so that no policy restarts it."""
    return f"{bundle}/ended-by-hand"


def exit_command(paths: Paths, container_id: str) -> tuple[str, ...]:
    """What conmon runs when the container has ended: this Python, with as little as possible."""
    script = os.path.join(os.path.dirname(__file__), "exit.py")
    return tuple(process.isolated_python(script, paths.root, paths.run, container_id))


def create(
    launch: Launch, paths: Paths, descriptors: Sequence[int], place: Callable[[int], None]
) -> Monitored:
    """Starts conmon, which makes the container without starting its program.

    Args:
        descriptors: what conmon keeps open as long as the container lives (published ports).
        place: moves conmon, by its pid, into a cgroup of its own, so that the end of the caller's
            (a stopped systemd unit) isn't its end.

    Raises:
        RunError: the runtime refused, with its words and Docker's exit codes 125 to 127.
    """
    answer_read, answer_write = os.pipe2(os.O_CLOEXEC)
    go_read, go_write = os.pipe2(os.O_CLOEXEC)
    try:
        child = subprocess.Popen(
            [process.require("conmon"), *launch.arguments(paths)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(paths, _OCI_SYNCPIPE=answer_write, _OCI_STARTPIPE=go_read),
            cwd=launch.bundle,  # it writes a file "oom" where it is
            pass_fds=(answer_write, go_read, *descriptors),
            start_new_session=True,
        )
        os.close(answer_write)
        answer_write = -1
        place(child.pid)
        os.write(go_write, b"\0")
        answer = read_answer(answer_read)
        errors = child.communicate(timeout=_CREATE_SECONDS)[1].decode(errors="replace").strip()
    finally:
        for descriptor in (answer_read, answer_write, go_read, go_write):
            if descriptor >= 0:
                os.close(descriptor)
    return _monitored(launch, answer, errors)


def environment(paths: Paths, **pipes: int) -> dict[str, str]:
    """A monitor's environment; ``pipes`` are the descriptors that it is to know.

    The socket by which it gets a terminal is a temporary file, whose path has to fit an address.
    """
    kept = {name: os.environ[name] for name in ("PATH", "XDG_RUNTIME_DIR") if name in os.environ}
    if len(os.fsencode(paths.run)) <= _LONGEST_DIRECTORY:
        kept["TMPDIR"] = paths.run
    kept |= moments(paths.run)
    return kept | {name: str(descriptor) for name, descriptor in pipes.items()}


def read_answer(descriptor: int) -> bytes:
    """One line; empty where conmon went without a word."""
    ready, _, _ = select.select([descriptor], [], [], _CREATE_SECONDS)
    answer = b""
    while ready and not answer.endswith(b"\n"):
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            break
        answer += piece
    return answer


def parse_answer(answer: bytes) -> Answer:
    """A line of the synchronisation pipe; what isn't JSON becomes the message."""
    try:
        return decoding.from_json(answer, Answer) if answer else Answer()
    except msgspec.DecodeError:
        return Answer(message=answer.decode(errors="replace"))


def _monitored(launch: Launch, answer: bytes, errors: str) -> Monitored:
    parsed = parse_answer(answer)
    if parsed.data <= 0:
        raise refused(launch, parsed.message or errors)
    first = host.identify(parsed.data)
    monitor = _read_pid(monitor_pid_file(launch.bundle))
    if first is None or monitor is None:
        raise refused(launch, errors or "the container ended before it was started")
    return Monitored(first, monitor)


def _read_pid(path: str) -> ProcessIdentity | None:
    try:
        with open(path, encoding="ascii") as stream:
            return host.identify(int(stream.read()))
    except (FileNotFoundError, ValueError):
        return None


def leftovers(bundle: str) -> tuple[ProcessIdentity, ...]:
    """Monitor and first process of a container whose record doesn't name them yet."""
    found = (_read_pid(monitor_pid_file(bundle)), _read_pid(pid_file(bundle)))
    return tuple(identity for identity in found if identity is not None)


def refused(launch: Launch, words: str) -> RunError:
    """The runtime's refusal in Docker's terms."""
    from dockyard.containers import programs, refusal  # only for a refusal

    path = os.path.join(launch.directory, launch.program)
    directory = "/" in launch.program and programs.is_directory(launch.rootfs, path)
    text, code, hint = refusal.refused(launch.program, words, directory=directory)
    return RunError(f"failed to create container {launch.name}: {text}", hint=hint, exit_code=code)

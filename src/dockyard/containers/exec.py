"""``exec``: another process in a running container."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dockyard.containers import (
    finish,
    lifecycle,
    programs,
    shared_memory,
    spec,
    spec_rights,
    users,
)
from dockyard.containers.detach import Detached
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import Conflict, InvalidInput, RunError
from dockyard.observability.events import Event
from dockyard.oci.runtime import Process, encode, process_spec
from dockyard.system.files import write_atomically

if TYPE_CHECKING:
    from dockyard.containers.attach import Streams

_KILLED = 128 + signal.SIGKILL


class ExecOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``exec`` was asked for."""

    command: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str | None = None
    working_dir: str | None = None
    interactive: bool = False
    tty: bool = False
    """Give it a terminal of its own."""
    privileged: bool = False
    """With every capability, though the container's own processes have fewer."""
    detach: bool = False


def execute(
    parts: Parts,
    container: Container,
    options: ExecOptions,
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    streams: Streams | None = None,
) -> int:
    """Runs a command in a container; its exit code (0 at once where detached).

    The descriptors become the process's streams; without ``interactive`` its input is empty.

    Args:
        streams: instead of the descriptors, for a command with a terminal.

    Raises:
        Conflict: the container doesn't run.
        RunError: the command can't be found (127) or invoked (126).
        Detached: the user left a terminal; the command runs on.
    """
    lifecycle.require_running(container)
    lifecycle.require_unpaused(container, "exec")
    if not os.path.isdir(parts.paths.bundle(container.id)):
        raise Conflict(
            f"container {container.name} has lost its run directory {parts.paths.bundle('')}",
            hint=f"start it anew: dockyard stop {container.name}, then start",
            reference="bundle-lost",
        )
    if options.tty and streams is None and not options.detach:
        raise InvalidInput(
            "a command with a terminal needs streams, or has to be detached",
            hint="give streams=, or detach=True",
        )
    process = _process(parts, container, options, streams)
    if container.process is not None:
        programs.require(container.process.pid, process.args, process.env, process.cwd)
    exec_id, words = os.urandom(32).hex(), " ".join(options.command)
    told = functools.partial(event, container, execID=exec_id)
    parts.store.tell(told(f"exec_create: {words}"), told(f"exec_start: {words}"))
    with finish.while_it_lives(container, f"{options.command[0]} could be run in it"):
        if options.tty:
            code = _in_session(parts, container, exec_id, process, streams, told)
        else:
            code = _directly(parts, container, options, process, (stdin, stdout, stderr))
    if not options.detach:  # nobody sees the end of a detached one
        parts.store.tell(told("exec_die", exitCode=str(code)))
        if shared_memory.is_full(parts.paths, container):
            parts.warn(shared_memory.words(container))
    return code


def _in_session(
    parts: Parts, container: Container, exec_id: str, process: Process, streams: Streams | None,
    told: Callable[..., Event],
) -> int:  # fmt: skip
    from dockyard.containers import exec_session, start  # only for a terminal

    session = exec_session.Session(
        container=container,
        paths=parts.paths,
        runtime=parts.runtime_of(container),
        exec_id=exec_id,
        document=process_spec(process),
        uid=process.identity.uid,
        place=functools.partial(start.place_monitor, parts, container, exec_id=exec_id),
    )
    try:
        return exec_session.run(session, streams)
    except Detached:
        parts.store.tell(told("exec_detach"))
        raise


def _directly(
    parts: Parts, container: Container, options: ExecOptions, process: Process,
    streams: tuple[int | None, int | None, int | None],
) -> int:  # fmt: skip
    """The runtime itself passes on streams and exit code: no other process is in between."""
    base = f"{parts.paths.bundle(container.id)}/exec-{os.urandom(8).hex()}"
    document, pid, log = f"{base}.json", f"{base}.pid", f"{base}.log"
    arguments = ["--log", log, "exec", "--process", document, "--pid-file", pid]
    arguments += ["--detach"] if options.detach else []
    stdin, stdout, stderr = streams
    try:
        write_atomically(document, encode(process_spec(process)), durable=False)
        runtime = parts.runtime_of(container)
        done = subprocess.run(
            runtime.command(*arguments, container.id),
            env=runtime.environment,
            stdin=stdin if options.interactive and not options.detach else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if options.detach else stdout,
            stderr=subprocess.DEVNULL if options.detach else stderr,
            check=False,
        )
        # The runtime failed, unless the command ended with its container and the files with both.
        if done.returncode not in {0, _KILLED} and not os.path.exists(pid):
            raise _refused(options, log)
    finally:
        for path in (document, pid, log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _refused(options: ExecOptions, log: str) -> RunError:
    """The error for a process that never ran, with the runtime's words from its log."""
    words = ""
    with contextlib.suppress(FileNotFoundError), open(log, encoding="utf-8") as stream:
        words = " ".join(stream.read().split())
    from dockyard.containers import refusal  # only for one

    code, hint = refusal.diagnosis(words)
    return RunError(f"failed to execute {options.command[0]}: {words}", hint=hint, exit_code=code)


def process_document(parts: Parts, container: Container, options: ExecOptions) -> bytes:
    """The file for the runtime's ``exec --process``, of a command without a terminal."""
    return encode(process_spec(_process(parts, container, options, None)))


def _process(
    parts: Parts, container: Container, options: ExecOptions, streams: Streams | None
) -> Process:
    """What runs; rights are those of the container, unless it is to be privileged."""
    if not options.command:
        raise InvalidInput("exec needs a command", hint='such as ["sh", "-c", "ls"]', exit_code=125)
    image = parts.images.get(container.image_id)
    config = image.config.config
    rootfs = f"{parts.paths.container(container.id)}/root"
    identity = users.resolve(
        options.user or container.options.user or config.user,
        *users.read_databases(rootfs),
        container.options.groups,
    )
    directory = msgspec.structs.replace(
        container.options, working_dir=options.working_dir or container.working_dir
    )
    security = container.options.security
    if options.privileged:
        security = msgspec.structs.replace(security, privileged=True, cap_add=(), cap_drop=())
    granted = spec_rights.rights(security, parts.facts, container.seccomp_profile, filtered=False)
    return Process(
        args=options.command,
        env=spec.environment(
            (*config.env, *container.options.env),
            options.env,
            hostname=spec.hostname(container.options, parts.facts, container.short_id),
            home=identity.home,
            tty=options.tty,
        ),
        cwd=spec.working_directory(directory, config),
        identity=identity,
        capabilities=granted.capabilities,
        no_new_privileges=granted.no_new_privileges,
        apparmor=granted.apparmor,
        rlimits=spec.rlimits(container.options.resources.ulimits, parts.facts)[0],
        terminal=options.tty,
        console_size=None if streams is None else streams.window,
    )

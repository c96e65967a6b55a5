"""``exec``: another process in a running container."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess

import msgspec

from dockyard.containers import lifecycle, monitor, spec, spec_rights, start, users
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import Conflict, InvalidInput, RunError
from dockyard.oci.runtime import Process, process_spec
from dockyard.system.files import write_atomically


class ExecOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``exec`` was asked for."""

    command: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str | None = None
    working_dir: str | None = None
    interactive: bool = False
    detach: bool = False
    privileged: bool = False
    """With every capability, though the container's own processes have fewer."""


def execute(
    parts: Parts,
    container: Container,
    options: ExecOptions,
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> int:
    """Runs a command in a container; its exit code (0 at once where detached).

    The descriptors become the process's streams; without ``interactive`` its input is empty.

    Raises:
        Conflict: the container doesn't run.
        RunError: the command can't be found (127) or invoked (126).
    """
    lifecycle.require_running(container)
    lifecycle.require_unpaused(container, "exec")
    if not os.path.isdir(parts.paths.bundle(container.id)):
        raise Conflict(
            f"container {container.name} has lost its run directory {parts.paths.bundle('')}",
            hint=f"start it anew: dockyard stop {container.name}, then start",
            reference="bundle-lost",
        )
    base = f"{parts.paths.bundle(container.id)}/exec-{os.urandom(8).hex()}"
    process, pid, log = f"{base}.json", f"{base}.pid", f"{base}.log"
    runtime = start.runtime_of(parts, container)
    arguments = ["--log", log, "exec", "--process", process, "--pid-file", pid]
    arguments += ["--detach"] if options.detach else []
    exec_id, words = os.urandom(32).hex(), " ".join(options.command)
    told = functools.partial(event, container, execID=exec_id)
    parts.store.tell(told(f"exec_create: {words}"), told(f"exec_start: {words}"))
    try:
        write_atomically(process, msgspec.json.encode(_process(parts, container, options)))
        done = subprocess.run(
            runtime.command(*arguments, container.id),
            stdin=stdin if options.interactive else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if options.detach else stdout,
            stderr=subprocess.DEVNULL if options.detach else stderr,
            check=False,
        )
        if done.returncode != 0 and not os.path.exists(pid):  # it was the runtime that failed
            raise _refused(options, log)
    finally:
        for path in (process, pid, log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    if not options.detach:  # nobody sees the end of a detached one
        parts.store.tell(told("exec_die", exitCode=str(code)))
    return code


def _refused(options: ExecOptions, log: str) -> RunError:
    """The error for a process that never ran, with the runtime's words from its log."""
    words = ""
    with contextlib.suppress(FileNotFoundError), open(log, encoding="utf-8") as stream:
        words = " ".join(stream.read().split())
    code, hint = monitor.diagnosis(words)
    return RunError(f"failed to execute {options.command[0]}: {words}", hint=hint, exit_code=code)


def _process(parts: Parts, container: Container, options: ExecOptions) -> dict[str, object]:
    """The runtime specification's process object; rights are those of the container."""
    if not options.command:
        raise InvalidInput("exec needs a command", exit_code=125)
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
        security = msgspec.structs.replace(security, privileged=True)
    granted = spec_rights.rights(security, parts.facts, container.seccomp_profile)
    hostname = spec.hostname(container.options, parts.facts, container.short_id)
    return process_spec(
        Process(
            args=options.command,
            env=spec.environment(
                (*config.env, *container.options.env),
                options.env,
                hostname=hostname,
                home=identity.home,
            ),
            cwd=spec.working_directory(directory, config),
            identity=identity,
            capabilities=granted.capabilities,
            no_new_privileges=granted.no_new_privileges,
            apparmor=granted.apparmor,
            rlimits=spec.rlimits(container.options.resources.ulimits, parts.facts)[0],
        )
    )

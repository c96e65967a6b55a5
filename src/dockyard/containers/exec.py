"""``exec``: another process in a running container."""

from __future__ import annotations

import os
import subprocess

import msgspec

from dockyard.containers import create, lifecycle, spec, start, users
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput, RunError
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
    path = f"{parts.paths.bundle(container.id)}/exec-{os.urandom(8).hex()}.json"
    write_atomically(path, msgspec.json.encode(_process(parts, container, options)))
    runtime = start.runtime_of(parts, container)
    arguments = ["exec", "--process", path, *(["--detach"] if options.detach else [])]
    try:
        done = subprocess.run(
            runtime.command(*arguments, container.id),
            stdin=stdin if options.interactive else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if options.detach else stdout,
            stderr=subprocess.PIPE if options.detach else stderr,
            check=False,
        )
    finally:
        os.unlink(path)
    if options.detach and done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()
        raise RunError(
            f"failed to execute {options.command[0]}: {words}",
            hint="is the program in the container?",
            exit_code=127,
        )
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _process(parts: Parts, container: Container, options: ExecOptions) -> dict[str, object]:
    """The runtime specification's process object; rights are those of the container."""
    if not options.command:
        raise InvalidInput("exec needs a command", exit_code=125)
    image = parts.images.get(container.image_id)
    config = image.config.config
    rootfs = f"{parts.paths.container(container.id)}/root"
    identity = users.resolve(
        options.user or container.options.user or config.user, *users.read_databases(rootfs)
    )
    directory = msgspec.structs.replace(
        container.options, working_dir=options.working_dir or container.working_dir
    )
    granted = create.rights(parts, container.options)
    hostname = container.options.hostname or container.short_id
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
        )
    )

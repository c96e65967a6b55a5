"""``exec``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.run_flags import console
from dockyard.containers.detach import parse_keys
from dockyard.containers.exec import ExecOptions

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("exec", "[OPTIONS] CONTAINER COMMAND [ARG...]", options_end_at_argument=True)
@option("-d", "--detach", is_flag=True,
        help="Detached mode: run command in the background")  # fmt: skip
@console.detach_keys
@options.env
@options.env_file
@option("-i", "--interactive", is_flag=True, help="Keep STDIN open even if not attached")
@option("--privileged", is_flag=True, help="Give extended privileges to the command")
@option("-t", "--tty", is_flag=True, help="Allocate a pseudo-TTY")
@option("-u", "--user", metavar="string",
        help='Username or UID (format: "<name|uid>[:<group|gid>]")')  # fmt: skip
@option("-w", "--workdir", metavar="string", help="Working directory inside the container")
@argument("name")
@argument("arguments", many=True)
@with_engine
def command(
    engine: Engine,
    name: str,
    arguments: tuple[str, ...],
    *,
    detach: bool,
    detach_keys: bytes | None,
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    interactive: bool,
    privileged: bool,
    tty: bool,
    user: str | None,
    workdir: str | None,
) -> int:
    """Runs a command in a container; the exit code is the command's."""
    wanted = ExecOptions(
        command=arguments,
        env=options.environment(env_file, env),
        user=user,
        working_dir=workdir,
        interactive=interactive,
        tty=tty,
        privileged=privileged,
        detach=detach,
    )
    return execute(engine, name, wanted, detach_keys)


def execute(engine: Engine, name: str, wanted: ExecOptions, keys: bytes | None = None) -> int:
    """Runs a command in a container, on this process's streams; the exit code is the command's.

    Args:
        keys: those that leave a terminal; Docker's where ``None``.
    """
    sys.stdout.flush()
    if wanted.detach or not wanted.tty:
        return engine.containers.execute(name, wanted)
    from dockyard.cli.foreground import EVERYTHING, OUTPUT, require_terminal, streams

    if wanted.interactive:
        require_terminal()
    attached = streams(
        EVERYTHING if wanted.interactive else OUTPUT, tty=True, proxy=False,
        keys=keys or parse_keys(""),
    )  # fmt: skip
    return engine.containers.execute(name, wanted, streams=attached)

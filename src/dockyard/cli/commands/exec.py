"""``exec``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dockyard.cli import options
from dockyard.cli.command import define, not_yet, with_engine
from dockyard.cli.run_flags.console import TERMINAL_HINT
from dockyard.containers.exec import ExecOptions

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("exec", "[OPTIONS] CONTAINER COMMAND [ARG...]", options_end_at_argument=True)
@click.option("-d", "--detach", is_flag=True,
              help="Detached mode: run command in the background")  # fmt: skip
@options.env
@options.env_file
@click.option("-i", "--interactive", is_flag=True, help="Keep STDIN open even if not attached")
@click.option("--privileged", is_flag=True, help="Give extended privileges to the command")
@click.option("-u", "--user", metavar="string",
              help='Username or UID (format: "<name|uid>[:<group|gid>]")')  # fmt: skip
@click.option("-w", "--workdir", metavar="string", help="Working directory inside the container")
@not_yet({"-t, --tty": TERMINAL_HINT, "--detach-keys=": None})
@click.argument("name")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
@with_engine
def command(
    engine: Engine,
    name: str,
    arguments: tuple[str, ...],
    *,
    detach: bool,
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    interactive: bool,
    privileged: bool,
    user: str | None,
    workdir: str | None,
) -> int:
    """Runs a command in a container; the exit code is the command's."""
    sys.stdout.flush()
    return engine.containers.execute(
        name,
        ExecOptions(
            command=arguments,
            env=options.environment(env_file, env),
            user=user,
            working_dir=workdir,
            interactive=interactive,
            detach=detach,
            privileged=privileged,
        ),
    )

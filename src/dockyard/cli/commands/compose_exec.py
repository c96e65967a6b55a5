"""``compose exec``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from dockyard import arguments
from dockyard.cli import options as shared
from dockyard.cli.command import define
from dockyard.cli.commands.exec import execute
from dockyard.cli.compose import options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import observe, targets
from dockyard.compose.model.project import Project
from dockyard.containers.exec import ExecOptions

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose exec", "[OPTIONS] SERVICE COMMAND [ARGS...]", options_end_at_argument=True)
@option("-d", "--detach", is_flag=True,
        help="Detached mode: Run command in the background")  # fmt: skip
@shared.env
@options.index
@option("-i", "--interactive", is_flag=True, default=True, hidden=True,
        help="Keep STDIN open even if not attached")  # fmt: skip
@option("-T", "--no-tty", "--no-TTY", "no_tty", is_flag=True,
        help="Disable pseudo-TTY allocation. By default 'docker compose exec' allocates a"
        " TTY.")  # fmt: skip
@option("--privileged", is_flag=True, help="Give extended privileges to the process")
@option("-t", "--tty", is_flag=True, default=True, hidden=True, help="Allocate a pseudo-TTY")
@option("-u", "--user", metavar="string", help="Run the command as this user")
@option("-w", "--workdir", metavar="string",
        help="Path to workdir directory for this command")  # fmt: skip
@argument("service")
@argument("arguments", many=True)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    service: str,
    arguments: tuple[str, ...],
    *,
    detach: bool,
    env: tuple[str, ...],
    index: int,
    interactive: bool,
    no_tty: bool,
    privileged: bool,
    tty: bool,
    user: str | None,
    workdir: str | None,
) -> int:
    """Runs a command in a service's container; the exit code is the command's."""
    project, name = _project(flags, env)
    found = targets.one(observe.observed(engine, name), service, index)
    on_terminal = tty and not no_tty and sys.stdout.isatty()
    wanted = ExecOptions(
        command=arguments,
        env=_environment(project, env),
        user=user,
        working_dir=workdir,
        interactive=interactive and not detach,
        tty=on_terminal,
        privileged=privileged,
        detach=detach,
    )
    return 0 if flags.dry_run else execute(engine, found.id, wanted)


def _project(flags: Flags, env: tuple[str, ...]) -> tuple[Project | None, str]:
    """The project, which is read only where a variable is to have its value, and its name."""
    if any("=" not in each for each in env):
        return projects.find(flags)
    return None, projects.name_of(flags)


def _environment(project: Project | None, env: tuple[str, ...]) -> tuple[str, ...]:
    """The variables of ``-e``; a name alone has the project's value, of ``.env`` too."""
    known = os.environ if project is None else project.environment
    return arguments.parse_environment(env, known) if env else ()

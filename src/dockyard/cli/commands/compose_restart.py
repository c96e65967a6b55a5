"""``compose restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board, options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import selection
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose restart", "[OPTIONS] [SERVICE...]")
@option("--no-deps", is_flag=True, help="Don't restart dependent services")
@options.timeout
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, no_deps: bool, timeout: int | None
) -> None:
    """Restarts services, and those that are to be restarted with them."""
    project, stack = projects.found(engine, flags)
    project = selection.enabled(project, services)
    project = selection.restarted(project, services, dependents=not no_deps)
    with board.shown("Restarting", flags) as listener:
        verbs = Verbs(engine=engine, project=project, listener=listener,
                      parallel=flags.parallel, dry_run=flags.dry_run)  # fmt: skip
        verbs.restart(stack, timeout)

"""``compose stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board, options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose stop", "[OPTIONS] [SERVICE...]")
@options.timeout
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, timeout: int | None
) -> None:
    """Stops the services' containers, those first that nothing else needs."""
    project, stack = projects.found(engine, flags, services)
    with board.shown("Stopping", flags) as listener:
        verbs = Verbs(engine=engine, project=project, listener=listener,
                      parallel=flags.parallel, dry_run=flags.dry_run)  # fmt: skip
        verbs.stop(stack, services or project.services, timeout)

"""``compose down``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockyard.cli import render
from dockyard.cli.command import define
from dockyard.cli.compose import board, creation
from dockyard.cli.compose import options as shared
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import UsageProblem, argument, option
from dockyard.compose.options import DownOptions

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose down", "[OPTIONS] [SERVICES]")
@shared.remove_orphans
@option(
    "--rmi",
    "images",
    metavar="string",
    default="",
    help='Remove images used by services. "local" remove only images that don\'t have a custom'
    ' tag ("local"|"all")',
)
@shared.timeout
@option(
    "-v",
    "--volumes",
    is_flag=True,
    help='Remove named volumes declared in the "volumes" section of the Compose file and'
    " anonymous volumes attached to containers",
)
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    remove_orphans: bool,
    images: str,
    timeout: int | None,
    volumes: bool,
) -> None:
    """Stops and removes what ``up`` made."""
    if images not in {"", "local", "all"}:
        raise UsageProblem(f'invalid value for --rmi: "{images}"', hint="local or all")
    project, name = projects.find(flags, services)
    if project is not None:
        for each in services:
            creation.require(project, each)
    options = DownOptions(
        services=services,
        volumes=volumes,
        images="all" if images == "all" else "local" if images else "",
        remove_orphans=shared.wants_orphans(remove_orphans, os.environ),
        timeout=timeout,
        dry_run=flags.dry_run,
        parallel=flags.at_once,
    )
    with board.shown("Running", flags) as listener:
        found = engine.stacks.down(project or name, options, listener=listener)
    if not found:
        render.print_warning(f'No resource found to remove for project "{name}".')

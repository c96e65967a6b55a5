"""``compose kill``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board, options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.render import print_note
from dockyard.compose import targets
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose kill", "[OPTIONS] [SERVICE...]")
@options.remove_orphans
@option("-s", "--signal", "signal", default="SIGKILL", metavar="string",
        help="SIGNAL to send to the container")  # fmt: skip
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, remove_orphans: bool, signal: str
) -> None:
    """Sends a signal to all containers of the services that run."""
    project, stack = projects.found(engine, flags, services)
    orphans = options.wants_orphans(remove_orphans, os.environ)
    found = [
        each
        for each in targets.chosen(stack, services, everything=False, oneoff=True)
        if orphans or each.service in project.services
    ]
    if not found:
        print_note("no container to kill")
        return
    with board.shown("Killing", flags) as listener:
        verbs = Verbs(engine=engine, project=project, listener=listener, dry_run=flags.dry_run)
        verbs.kill(found, signal)

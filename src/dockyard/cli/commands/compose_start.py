"""``compose start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose start", "[SERVICE...]")
@argument("services", many=True, required=False)
@with_compose
def command(engine: Engine, flags: Flags, services: tuple[str, ...]) -> None:
    """Starts the containers that there are, those first that others need."""
    project, _ = projects.found(engine, flags, services)
    with board.shown("Running", flags) as listener:
        engine.stacks.start(
            project, listener=listener, dry_run=flags.dry_run, parallel=flags.at_once
        )

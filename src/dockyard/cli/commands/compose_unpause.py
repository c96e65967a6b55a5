"""``compose unpause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import freezing
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose unpause", "[SERVICE...]")
@argument("services", many=True, required=False)
@with_compose
def command(engine: Engine, flags: Flags, services: tuple[str, ...]) -> None:
    """Lets the services' containers go on."""
    freezing.on_running(engine, flags, services, "Running", Verbs.unpause)

"""``system install``."""

from __future__ import annotations

from dockyard.cli.command import define
from dockyard.cli.line import option
from dockyard.cli.output import say
from dockyard.config import Config
from dockyard.controller import unit
from dockyard.state.paths import Paths


@define("system install")
@option("--print", "only_print", is_flag=True, help="Print the unit instead")
def command(*, only_print: bool) -> None:
    """Writes, enables and starts the unit, and prints the path of its file."""
    config = Config.from_environment()
    paths = Paths(config.root, config.run)
    if only_print:
        say(unit.text(paths, unit.command(paths), unit.settings()), end="")
        return
    say(unit.install(paths))

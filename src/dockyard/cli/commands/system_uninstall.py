"""``system uninstall``."""

from __future__ import annotations

from dockyard.cli.command import define
from dockyard.cli.output import say
from dockyard.config import Config
from dockyard.controller import unit
from dockyard.state.paths import Paths


@define("system uninstall")
def command() -> None:
    """Stops and removes the unit, and prints the path of its file."""
    config = Config.from_environment()
    say(unit.uninstall(Paths(config.root, config.run)))

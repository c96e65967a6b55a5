"""``system boot``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("system boot")
@with_engine
def command(engine: Engine) -> None:
    """Has the controller start what ``always`` and ``unless-stopped`` want; prints the names."""
    for container in engine.containers.bring_back():
        say(container.name)

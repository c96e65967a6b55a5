"""``pause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("pause", "CONTAINER [CONTAINER...]")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...]) -> int:
    """Freezes each, and prints its name."""

    def pause(name: str) -> str:
        engine.containers.pause(name)
        return name

    return options.for_each(names, pause)

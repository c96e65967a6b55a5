"""``unpause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("unpause", "CONTAINER [CONTAINER...]")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...]) -> int:
    """Lets each go on, and prints its name."""

    def unpause(name: str) -> str:
        engine.containers.unpause(name)
        return name

    return options.for_each(names, unpause)

"""``wait``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("wait", "CONTAINER [CONTAINER...]")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...]) -> int:
    """Waits for each in turn, and prints its exit code."""
    return options.for_each(names, lambda name: str(engine.containers.wait(name)))

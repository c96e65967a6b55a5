"""``top``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.table import table

if TYPE_CHECKING:
    from dockyard.engine import Engine

_COLUMN = 20


@define("top", "CONTAINER [ps OPTIONS]", options_end_at_argument=True)
@argument("name")
@argument("arguments", many=True, required=False)
@with_engine
def command(engine: Engine, name: str, arguments: tuple[str, ...]) -> None:
    """Prints a container's processes, by the host's numbers."""
    found = engine.containers.top(name, arguments)
    listing.put(table([found.titles, *found.rows], listing.terminal_width(), least=_COLUMN))

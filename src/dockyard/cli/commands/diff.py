"""``diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("diff", "CONTAINER")
@argument("name")
@with_engine
def command(engine: Engine, name: str) -> None:
    """Prints A, C or D (added, changed, deleted) and a path, a line each."""
    for change in engine.containers.diff(name):
        listing.put(f"{change.kind} {change.path}\n")

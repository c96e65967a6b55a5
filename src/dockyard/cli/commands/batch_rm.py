"""``batch rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.options import for_each

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("batch rm", "[OPTIONS] BATCH [BATCH...]")
@argument("batches", many=True)
@with_engine
def command(engine: Engine, *, batches: tuple[str, ...]) -> int:
    """Forgets batches, and prints their ids."""
    return for_each(batches, lambda text: engine.batches.remove(text).id)

"""``image inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands.inspect import find
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("image inspect", "[OPTIONS] IMAGE [IMAGE...]")
@options.object_format
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None) -> int:
    """Prints a JSON array, or each object by a template."""
    return listing.inspect(names, lambda name: find(engine, name, "image"), form)

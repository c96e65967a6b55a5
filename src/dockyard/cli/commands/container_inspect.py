"""``container inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands.inspect import find
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("container inspect", "[OPTIONS] CONTAINER [CONTAINER...]")
@options.object_format
@option("-s", "--size", is_flag=True, help="Display total file sizes")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, form: str | None, size: bool) -> int:
    """Prints a JSON array, or each object by a template."""
    return listing.inspect(names, lambda name: find(engine, name, "container", size=size), form)

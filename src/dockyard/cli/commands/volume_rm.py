"""``volume rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume rm", "[OPTIONS] VOLUME [VOLUME...]")
@option("-f", "--force", is_flag=True, help="A volume that isn't there is no failure")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, force: bool) -> int:
    """Removes each with what is in it, and prints its name."""

    def remove(name: str) -> str:
        try:
            engine.volumes.remove(name)
        except NotFound:
            if not force:
                raise
        return name

    return options.for_each(names, remove)

"""``rename``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rename", "CONTAINER NEW_NAME")
@argument("name")
@argument("new_name")
@with_engine
def command(engine: Engine, name: str, new_name: str) -> None:
    """Gives a container another name."""
    if not (name.strip() and new_name.strip()):
        raise InvalidInput(
            "neither old nor new names may be empty",
            hint="dockyard rename OLD NEW; dockyard ps -a lists the names",
        )
    engine.containers.rename(name, new_name)

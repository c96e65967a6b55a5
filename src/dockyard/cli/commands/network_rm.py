"""``network rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("network rm", "NETWORK [NETWORK...]")
@option("-f", "--force", is_flag=True, help="Do not error if the network does not exist")
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, force: bool) -> int:
    """Removes each, and prints its name as it was given."""

    def remove(name: str) -> str:
        engine.networks.remove(name)
        return name

    wanted = [name for name in names if not (force and _is_missing(engine, name))]
    return options.for_each(wanted, remove)


def _is_missing(engine: Engine, name: str) -> bool:
    try:
        engine.networks.get(name)
    except NotFound:
        return True
    return False

"""``model rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.other_kind import or_image

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("model rm", "[OPTIONS] MODEL [MODEL...]")
@option("-f", "--force", is_flag=True,
        help="By ID, remove a model that several repositories name")  # fmt: skip
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, force: bool) -> int:
    """Removes names and models, and prints what went."""

    def remove(name: str) -> str:
        with or_image(engine, name, f"dockyard rmi {name}"):
            return "\n".join(map(str, engine.models.remove(name, force=force)))

    return options.for_each(names, remove)

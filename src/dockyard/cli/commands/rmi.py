"""``rmi``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options, render
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.other_kind import or_model
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rmi", "[OPTIONS] IMAGE [IMAGE...]")
@option("-f", "--force", is_flag=True, help="Force removal of the image")
@option("--no-prune", is_flag=True,
        help="Do not delete untagged parents (they never are)")  # fmt: skip
@argument("names", many=True)
@with_engine
def command(engine: Engine, names: tuple[str, ...], *, force: bool, no_prune: bool) -> int:  # noqa: ARG001  # parents stay anyway
    """Removes names and images, and prints what went."""

    def remove(name: str) -> str | None:
        try:
            with or_model(engine, name, "rm"):
                removed = engine.images.remove(name, force=force)
        except NotFound as error:
            if not force:
                raise
            render.print_error(error)
            return None
        return "\n".join(map(str, removed))

    return options.for_each(names, remove)

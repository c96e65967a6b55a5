"""``rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options, render
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rm", "[OPTIONS] CONTAINER [CONTAINER...]")
@option("-f", "--force", is_flag=True,
        help="Force the removal of a running container (uses SIGKILL)")  # fmt: skip
@option("-v", "--volumes", is_flag=True,
        help="Remove anonymous volumes associated with the container")  # fmt: skip
@option("-l", "--link", is_flag=True, help="Remove the specified link")
@argument("names", many=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, force: bool, link: bool, volumes: bool
) -> int:
    """Removes each, and prints its name; with ``--force`` a missing one is no failure."""

    def remove(name: str) -> str | None:
        try:
            if link:
                engine.containers.unlink(name)
            engine.containers.remove(name, force=force, volumes=volumes)
        except NotFound as error:
            if not force:
                raise
            render.print_error(error)
            return None
        return name

    return options.for_each(names, remove)

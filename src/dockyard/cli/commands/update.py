"""``update``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.run_flags import update as flags
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("update", "[OPTIONS] CONTAINER [CONTAINER...]")
@options.all_of(flags.DECLARED)
@argument("names", many=True)
@with_engine
def command(engine: Engine, /, names: tuple[str, ...], **values: Any) -> int:
    """Changes each, and prints its name."""
    changes, restart = flags.make(values)
    if changes is None and restart is None:
        raise InvalidInput(
            "you must provide one or more flags when using this command",
            hint="such as --memory 1g; dockyard update --help lists them",
        )

    def update(name: str) -> str:
        engine.containers.update(name, changes, restart)
        return name

    return options.for_each(names, update)

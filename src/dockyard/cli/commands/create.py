"""``create``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli import options
from dockyard.cli.command import define, with_engine
from dockyard.cli.creation import ask, write_cidfile
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.cli.run_options import create_options

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("create", "[OPTIONS] IMAGE [COMMAND] [ARG...]", options_end_at_argument=True)
@create_options
@argument("image")
@argument("arguments", many=True, required=False)
@with_engine
def command(engine: Engine, /, image: str, arguments: tuple[str, ...], **values: Any) -> None:
    """Makes a container for a later start, and prints its id."""
    found, wanted = ask(engine, image, arguments, values)
    with options.failing(1):
        container = engine.containers.create(found, image, wanted)
    write_cidfile(values["cidfile"], container)
    say(container.id)

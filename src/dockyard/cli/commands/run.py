"""``run``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from dockyard.cli.command import define, with_engine
from dockyard.cli.creation import ask, write_cidfile
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.cli.run_flags.console import attached
from dockyard.cli.run_options import run_options
from dockyard.containers.detach import parse_keys

if TYPE_CHECKING:
    from dockyard.containers.model import Container
    from dockyard.engine import Engine


@define("run", "[OPTIONS] IMAGE [COMMAND] [ARG...]", options_end_at_argument=True)
@run_options
@argument("image")
@argument("arguments", many=True, required=False)
@with_engine
def command(engine: Engine, /, image: str, arguments: tuple[str, ...], **values: Any) -> int:
    """Runs a container; the exit code is the program's, or 0 where it goes on alone."""
    wanted = attached(values)
    if values["tty"] and "stdin" in wanted and not values["detach"]:
        from dockyard.cli.foreground import require_terminal

        require_terminal()
    found, options = ask(engine, image, arguments, values)
    cidfile = functools.partial(write_cidfile, values["cidfile"])
    if values["detach"]:

        def created(container: Container) -> None:
            cidfile(container)
            say(container.id)

        engine.containers.run(found, image, options, created=created)
        return 0
    from dockyard.cli.foreground import streams

    foreground = streams(
        wanted,
        tty=options.console.tty,
        proxy=values["sig_proxy"],
        keys=values["detach_keys"] or parse_keys(""),
    )
    return engine.containers.run(found, image, options, foreground, cidfile).exit_code

"""``load``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli import byte_progress
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("load", "[OPTIONS]")
@option("-i", "--input", "source", metavar="string",
        help="Read from a tar archive or a directory, instead of STDIN")  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Suppress the load output")
@option("--platform", metavar="string", help="Load only this platform (os/arch[/variant])")
@with_engine
def command(engine: Engine, *, source: str | None, quiet: bool, platform: str | None) -> None:
    """Loads images from an archive."""
    if source is None and sys.stdin.isatty():
        raise InvalidInput(
            "requested load from stdin, but stdin is empty", hint="use -i, or a redirection"
        )
    with byte_progress.shown(quiet=quiet) as progress:
        if source is None:
            with open(0, "rb", closefd=False) as stream:
                loaded = engine.load(stream, platform=platform, progress=progress)
        else:
            loaded = engine.load(source, platform=platform, progress=progress)
    for each in loaded:
        for name in each.names:
            say(f"Loaded image: {name.familiar}")
        if not each.names:
            say(f"Loaded image ID: {each.image.id}")

"""``export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import byte_progress, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("export", "[OPTIONS] CONTAINER")
@option("-o", "--output", metavar="string", help="Write to a file, instead of STDOUT")
@argument("name")
@with_engine
def command(engine: Engine, name: str, *, output: str | None) -> None:
    """Writes a container's files, but not its volumes, as a tar archive."""
    write_out(engine, name, output)


def write_out(engine: Engine, name: str, output: str | None) -> None:
    """Writes a container's files to a file, or to standard output where ``None``."""
    container = engine.containers.get(name)
    with (
        options.archive_output(output) as write,
        byte_progress.shown({"writing": "Exporting"}) as progress,
    ):
        engine.containers.export(container.id, write, progress=progress)

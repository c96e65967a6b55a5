"""``save``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli import byte_progress
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, one_of, option
from dockyard.cli.output import binary
from dockyard.errors import InvalidInput
from dockyard.images import archive, platforms

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.images.archive import Layout


@define("save", "[OPTIONS] IMAGE [IMAGE...]")
@option("-o", "--output", metavar="string", help="Write to a file, instead of STDOUT")
@option("--format", "layout", read=one_of(["docker", "oci"]), default="docker",
        metavar="string", help='Layout of the archive: "docker" (which is an OCI layout too)'
        ' or "oci" (default "docker")')  # fmt: skip
@option("--platform", metavar="string", help="Save only this platform (os/arch[/variant])")
@argument("names", many=True)
@with_engine
def command(
    engine: Engine,
    names: tuple[str, ...],
    *,
    output: str | None,
    layout: Layout,
    platform: str | None,
) -> None:
    """Writes images as one tar archive."""
    for selection in archive.select(engine.images, names):
        platforms.require(selection.image.config, selection.image.id, platform)
    if output is None and sys.stdout.isatty():
        raise InvalidInput(
            "cowardly refusing to save to a terminal", hint="use the -o flag or redirect"
        )
    with byte_progress.shown({"writing": "Saving"}) as progress:
        if output is not None:
            archive.save_to(output, engine.images, names, layout=layout, progress=progress)
            return
        with binary() as write:
            engine.save(names, write, layout=layout, progress=progress)

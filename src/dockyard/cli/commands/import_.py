"""``import``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockyard.cli import byte_progress
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput, NotSupported

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("import", "[OPTIONS] file|- [REPOSITORY[:TAG]]")
@option("-c", "--change", "changes", multiple=True, metavar="list",
        help="Apply Dockerfile instruction to the created image")  # fmt: skip
@option("-m", "--message", default="", metavar="string",
        help="Set commit message for imported image")  # fmt: skip
@option("--platform", metavar="string", help="Set platform if server is multi-platform capable")
@argument("source")
@argument("tag", required=False)
@with_engine
def command(
    engine: Engine,
    source: str,
    tag: str | None,
    *,
    changes: tuple[str, ...],
    message: str,
    platform: str | None,
) -> None:
    """Makes an image from the tar of a root filesystem."""
    if "://" in source:
        raise NotSupported(
            f"importing from {source} is not supported",
            hint=f"curl -sSfL {source} | dockyard import -",
        )
    if source == "-":
        with open(0, "rb", closefd=False) as stream, byte_progress.shown() as progress:
            image = engine.import_tree(
                stream, tag=tag, changes=changes, message=message, platform=platform,
                progress=progress,
            )  # fmt: skip
    else:
        try:
            stream = open(source, "rb")  # noqa: SIM115  closed below
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise InvalidInput(f"open {source}: {why}", hint="name a tar archive, or -") from error
        with stream, byte_progress.shown() as progress:
            comment = message or f"Imported from {source}"
            image = engine.import_tree(
                stream, tag=tag, changes=changes, message=comment, platform=platform,
                progress=progress,
            )  # fmt: skip
    say(image.id)

"""``model push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.other_kind import or_image
from dockyard.cli.output import say
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("model push", "[OPTIONS] NAME[:TAG|@DIGEST]")
@option("-q", "--quiet", is_flag=True, help="Suppress verbose output")
@argument("name")
@with_engine
def command(engine: Engine, name: str, *, quiet: bool) -> None:
    """Sends a model."""
    reference = Reference.parse(name)
    if not quiet:
        say(f"The push refers to repository [{reference.repository}]")
    try:
        with (
            or_image(engine, name, f"dockyard push {name}"),
            transfer_progress.shown(quiet=quiet) as listener,
        ):
            done = engine.models.push(name, listener=listener)
    except KeyboardInterrupt:
        raise canceled("push", kept=GOES_ON) from None
    if quiet:
        say(str(reference))
    else:
        say(f"{reference.tag or reference.digest}: digest: {done.digest} size: {done.size}")

"""``model pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.models.model import Model


@define("model pull", "[OPTIONS] NAME[:TAG|@DIGEST]")
@option("-q", "--quiet", is_flag=True, help="Suppress verbose output")
@argument("name")
@with_engine
def command(engine: Engine, name: str, *, quiet: bool) -> None:
    """Downloads a model and prints its full name."""
    model = pull(engine, name, quiet=quiet)
    if not quiet:
        say(f"Digest: {model.id}")
    say(str(Reference.parse(name)))


def pull(engine: Engine, name: str, *, quiet: bool) -> Model:
    """Downloads a model, with its progress on standard error."""
    try:
        with transfer_progress.shown(quiet=quiet) as listener:
            return engine.models.pull(name, listener=listener)
    except KeyboardInterrupt:
        raise canceled("pull", kept=GOES_ON) from None

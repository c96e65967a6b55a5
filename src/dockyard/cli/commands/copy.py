"""``copy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say, write_all
from dockyard.registry.copying.places import ARCHIVES, Place

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("copy", "[OPTIONS] SOURCE DESTINATION")
@option(
    "-a", "--all", "everything", is_flag=True, help="Copy an index with the images of all platforms"
)
@option(
    "--platform",
    metavar="string",
    help="Copy the image for this platform (os/arch[/variant]), instead of this host's",
)
@option("--referrers", is_flag=True, help="Copy what refers to the image, too, such as signatures")
@option("-q", "--quiet", is_flag=True, help="Suppress the progress")
@argument("source")
@argument("destination")
@with_engine
def command(
    engine: Engine,
    source: str,
    destination: str,
    *,
    everything: bool,
    platform: str | None,
    referrers: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Copies an image byte for byte, past the images of this root; prints its digest."""
    target = Place.parse(destination)
    try:
        with transfer_progress.shown(quiet=quiet) as listener:
            done = engine.copy(
                source, destination, platform=platform, everything=everything,
                referrers=referrers, listener=listener,
            )  # fmt: skip
    except KeyboardInterrupt:
        whole = target.kind in ARCHIVES  # a tar can't be gone on with
        raise canceled("copy") if whole else canceled("copy", kept=GOES_ON) from None
    if target.kind in ARCHIVES and target.path == "-":  # there the archive went
        write_all(2, f"{done.digest}\n".encode())
    else:
        say(done.digest)

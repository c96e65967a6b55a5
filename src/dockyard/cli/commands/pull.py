"""``pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import UsageProblem, argument, option
from dockyard.cli.output import say
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("pull", "[OPTIONS] NAME[:TAG|@DIGEST]")
@option("-a", "--all-tags", is_flag=True, help="Download all tagged images in the repository")
@option("-q", "--quiet", is_flag=True, help="Suppress verbose output")
@option("--platform", metavar="string", help="Pull only this platform (os/arch[/variant])")
@argument("name")
@with_engine
def command(
    engine: Engine, name: str, *, all_tags: bool, quiet: bool, platform: str | None
) -> None:  # fmt: skip
    """Downloads an image, or all that have a tag in a repository."""
    reference = Reference.parse(name)
    if all_tags and (reference.digest or ":" in name.rpartition("/")[2]):
        raise UsageProblem(
            "tag can't be used with --all-tags/-a", hint="leave the tag out, or the option"
        )
    if not (all_tags or quiet or reference.digest or ":" in name.rpartition("/")[2]):
        say(f"Using default tag: {reference.tag}")
    for each in engine.tags_in_registry(name) if all_tags else (name,):
        _pull(engine, Reference.parse(each), platform, quiet=quiet)
    say(reference.repository if all_tags else str(reference))


def _pull(engine: Engine, reference: Reference, platform: str | None, *, quiet: bool) -> None:
    if not quiet:
        say(f"{reference.digest or reference.tag}: Pulling from {reference.path}")
    try:
        with transfer_progress.shown(quiet=quiet) as listener:
            pulled = engine.pull(str(reference), platform=platform, listener=listener)
    except KeyboardInterrupt:
        raise canceled("pull", kept=GOES_ON) from None
    if quiet:
        return
    what = "Downloaded newer image" if pulled.is_new else "Image is up to date"
    say(f"Digest: {pulled.digest}")
    say(f"Status: {what} for {reference.familiar}")

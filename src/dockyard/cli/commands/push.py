"""``push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled, define, with_engine
from dockyard.cli.line import argument, one_of, option, whole_number
from dockyard.cli.other_kind import or_model
from dockyard.cli.output import say
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("push", "[OPTIONS] NAME[:TAG|@DIGEST]")
@option("-a", "--all-tags", is_flag=True, help="Push all tags of an image to the repository")
@option("-q", "--quiet", is_flag=True, help="Suppress verbose output")
@option("--platform", metavar="string", help="Push only this platform (os/arch[/variant])")
@option(
    "--compression",
    read=one_of(["zstd", "gzip", "none"]),
    metavar="string",
    help='Compression of layers that were not pulled: "zstd", "gzip" or "none" (default "zstd")',
)
@option(
    "--compression-level",
    read=whole_number,
    metavar="int",
    help="Level of the compression: 1 to 22 for zstd, 1 to 9 for gzip",
)
@argument("name")
@with_engine
def command(
    engine: Engine,
    name: str,
    *,
    all_tags: bool,
    quiet: bool,
    platform: str | None,
    compression: str | None,
    compression_level: int | None,
) -> None:  # fmt: skip
    """Sends an image, or all that have a tag in a repository."""
    names = engine.tags_of(name) if all_tags else (name,)
    reference = Reference.parse(name)
    if not quiet:
        say(f"The push refers to repository [{reference.repository}]")
    for each in names:
        try:
            with or_model(engine, each, "push"), transfer_progress.shown(quiet=quiet) as listener:
                done = engine.push(
                    each, compression=compression, level=compression_level, platform=platform,
                    listener=listener,
                )  # fmt: skip
        except KeyboardInterrupt:
            raise canceled("push", kept=GOES_ON) from None
        if not quiet:
            say(f"{done.name.digest or done.name.tag}: digest: {done.digest} size: {done.size}")
    if quiet:
        say(str(reference) if not all_tags else reference.repository)

"""``bootstrap``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options, render
from dockyard.cli.command import canceled, define, with_engine
from dockyard.cli.line import argument, option
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("bootstrap", "[OPTIONS] BASE [BASE...]")
@option("-f", "--force", is_flag=True,
        help="Make it anew, with today's packages, though it is there")  # fmt: skip
@option("--mirror", metavar="string",
        help="Debian mirror to fetch from, and to leave in the image")  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Print nothing but the names of the images")
@argument("bases", many=True)
@with_engine
def command(
    engine: Engine, bases: tuple[str, ...], *, force: bool, mirror: str | None, quiet: bool
) -> int:
    """Makes base images, and prints their names."""

    def make(base: str) -> str:
        progress = _silent if quiet else render.print_note
        image = engine.bootstrap(base, mirror=mirror, force=force, progress=progress)
        return Reference.parse(image.names[0]).familiar if image.names else image.id

    try:
        return options.for_each(bases, make)
    except KeyboardInterrupt as error:
        raise canceled("bootstrap") from error


def _silent(_sentence: str) -> None:
    """Takes the progress that nobody wants to see."""

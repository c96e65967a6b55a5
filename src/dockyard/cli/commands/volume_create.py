"""``volume create``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume create", "[OPTIONS] [VOLUME]")
@option("-d", "--driver", default="local", metavar="string",
        help='Specify volume driver name (only "local")')  # fmt: skip
@option("--label", "labels", multiple=True, metavar="list", help="Set metadata for a volume")
@option("--name", "as_option", metavar="string", hidden=True)
@option("-o", "--opt", "entries", multiple=True, metavar="map",
        help="Set driver specific options: type=none, o=bind and device=DIRECTORY together"
        " make the volume stand for a directory of the host")  # fmt: skip
@argument("name", required=False)
@with_engine
def command(
    engine: Engine,
    name: str | None,
    *,
    driver: str,
    labels: tuple[str, ...],
    as_option: str | None,
    entries: tuple[str, ...],
) -> None:
    """Makes it, unless there is one of that name, and prints its name."""
    from dockyard import arguments
    from dockyard.volumes import rules

    rules.check_driver(driver)
    volume = engine.volumes.create(
        name or as_option,
        labels=dict(arguments.parse_label(label) for label in labels),
        options=rules.parse_options(entries),
    )
    say(volume.name)

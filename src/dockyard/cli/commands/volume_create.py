"""``volume create``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("volume create", "[OPTIONS] [VOLUME]")
@click.option("-d", "--driver", default="local", metavar="string",
              help='Specify volume driver name (only "local")')  # fmt: skip
@click.option("--label", "labels", multiple=True, metavar="list", help="Set metadata for a volume")
@click.option("--name", "as_option", metavar="string", hidden=True)
@click.option("-o", "--opt", "entries", multiple=True, metavar="map",
              help="Set driver specific options: type=none, o=bind and device=DIRECTORY together"
              " make the volume stand for a directory of the host")  # fmt: skip
@click.argument("name", required=False)
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
    click.echo(volume.name)

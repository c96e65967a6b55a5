"""``system install``."""

from __future__ import annotations

import click

from dockyard.cli.command import define
from dockyard.config import Config
from dockyard.controller import unit
from dockyard.state.paths import Paths


@define("system install")
@click.option("--print", "only_print", is_flag=True, help="Print the unit instead")
def command(*, only_print: bool) -> None:
    """Writes, enables and starts the unit, and prints the path of its file."""
    config = Config.from_environment()
    paths = Paths(config.root, config.run)
    if only_print:
        click.echo(unit.text(paths, unit.command(paths), unit.settings()), nl=False)
        return
    click.echo(unit.install(paths))

"""``commit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dockyard.cli import byte_progress
from dockyard.cli.command import define, with_engine

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("commit", "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]")
@click.option("-a", "--author", default="", metavar="string",
              help='Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')  # fmt: skip
@click.option("-c", "--change", "changes", multiple=True, metavar="list",
              help="Apply Dockerfile instruction to the created image")  # fmt: skip
@click.option("-m", "--message", default="", metavar="string", help="Commit message")
@click.option("-p", "--pause/--no-pause", default=True,
              help="Pause container during commit (default true)")  # fmt: skip
@click.argument("name")
@click.argument("tag", required=False)
@with_engine
def command(
    engine: Engine,
    name: str,
    tag: str | None,
    *,
    author: str,
    changes: tuple[str, ...],
    message: str,
    pause: bool,
) -> None:
    """Makes an image of what a container has changed, and prints its id."""
    with byte_progress.shown() as progress:
        image = engine.commit(
            name, tag, author=author, message=message, changes=changes, pause=pause,
            progress=progress,
        )  # fmt: skip
    click.echo(image.id)

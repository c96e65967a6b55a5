"""``commit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import byte_progress
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("commit", "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]")
@option("-a", "--author", default="", metavar="string",
        help='Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')  # fmt: skip
@option("-c", "--change", "changes", multiple=True, metavar="list",
        help="Apply Dockerfile instruction to the created image")  # fmt: skip
@option("-m", "--message", default="", metavar="string", help="Commit message")
@option("-p", "--pause", is_flag=True, default=True,
        help="Pause container during commit (default true)")  # fmt: skip
@argument("name")
@argument("tag", required=False)
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
    say(image.id)

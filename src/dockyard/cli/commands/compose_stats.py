"""``compose stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import options as shared
from dockyard.cli.command import define
from dockyard.cli.commands.stats import show
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.stats_view import Target
from dockyard.compose import observe, targets

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose stats", "[OPTIONS] [SERVICE]")
@option("-a", "--all", "everything", is_flag=True,
        help="Show all containers (default shows just running)")  # fmt: skip
@shared.format_option
@option("--no-stream", is_flag=True,
        help="Disable streaming stats and only pull the first result")  # fmt: skip
@shared.no_trunc
@argument("service", required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    service: str | None,
    *,
    everything: bool,
    form: str | None,
    no_stream: bool,
    no_trunc: bool,
) -> None:
    """Prints what the project's containers use, once or every second."""
    name = projects.name_of(flags)
    chosen = (service,) if service else ()

    def find() -> list[Target]:
        stack = observe.observed(engine, name)
        found = targets.chosen(stack, chosen, everything=everything, oneoff=True)
        return [Target(each.record, each.id) for each in found]

    show(engine, find, form, no_stream=no_stream, no_trunc=no_trunc)

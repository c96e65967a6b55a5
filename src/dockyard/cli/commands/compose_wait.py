"""``compose wait``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.compose import observe, targets, together
from dockyard.compose.options import DownOptions
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose wait", "SERVICE [SERVICE...] [OPTIONS]")
@option("--down-project", is_flag=True, help="Drops project when the first container stops")
@argument("services", many=True)
@with_compose
def command(engine: Engine, flags: Flags, services: tuple[str, ...], *, down_project: bool) -> int:
    """Waits for the services' containers, prints their exit codes; its own is the last one's."""
    _, name = projects.find(flags)
    found = targets.chosen(observe.observed(engine, name), services, everything=False, oneoff=True)
    if not found:
        raise NotFound(
            f'no containers for project "{name}"',
            hint=f"none of {', '.join(services)} runs: dockyard compose ps -a shows what ended",
        )
    codes: list[int] = []

    def wait(container_id: str) -> None:
        code = engine.containers.wait(container_id)
        say(f'container "{container_id}" exited with status code {code}')
        codes.append(code)

    together.at_once([each.id for each in found], wait)
    if down_project:
        _down(engine, flags, name)
    return codes[-1]


def _down(engine: Engine, flags: Flags, name: str) -> None:
    options = DownOptions(remove_orphans=True, dry_run=flags.dry_run, parallel=flags.at_once)
    with board.shown("Running", flags) as listener:
        engine.stacks.down(name, options, listener=listener)

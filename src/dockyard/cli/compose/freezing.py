"""What ``pause`` and ``unpause`` share: something is done with the services' running containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.flags import Flags
from dockyard.compose import targets
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from dockyard.compose.observe import Observed
    from dockyard.engine import Engine


def on_running(
    engine: Engine, flags: Flags, services: tuple[str, ...], title: str,
    act: Callable[[Verbs, Iterable[Observed]], None],
) -> None:  # fmt: skip
    """Does it with all containers of the services that run, and shows how it goes.

    Raises:
        NotFound: there are neither files nor containers, or no such service.
    """
    project, stack = projects.found(engine, flags, services)
    found = [
        each
        for each in targets.chosen(stack, services, everything=False)
        if each.service in project.services
    ]
    with board.shown(title, flags) as listener:
        act(Verbs(engine=engine, project=project, listener=listener, dry_run=flags.dry_run), found)

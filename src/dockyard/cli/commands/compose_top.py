"""``compose top``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli.command import define
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument
from dockyard.cli.table import table
from dockyard.compose import targets
from dockyard.compose.observe import Observed
from dockyard.containers.processes import Processes

if TYPE_CHECKING:
    from dockyard.engine import Engine

_COLUMN, _GAP = 4, 2
_LAST = "CMD"
_NONE = "-"


@define("compose top", "[SERVICES...]")
@argument("services", many=True, required=False)
@with_compose
def command(engine: Engine, flags: Flags, services: tuple[str, ...]) -> None:
    """Prints the processes of all the services' containers in one table."""
    _, stack = projects.present(engine, flags, services)
    found = targets.chosen(stack, services, everything=False, oneoff=True)
    ordered = sorted(found, key=lambda each: each.name)
    rows = processes([(each, engine.containers.top(each.id)) for each in ordered])
    if len(rows) > 1:
        last = [len(rows[0]) - 1] if rows[0][-1] == _LAST else []
        width = listing.terminal_width()
        listing.put(table(rows, width, least=_COLUMN, gap=_GAP, first=last))


def processes(found: Sequence[tuple[Observed, Processes]]) -> list[list[str]]:
    """The titles, then a row for each process; the command comes last. Pure."""
    titles = dict.fromkeys(title for _, one in found for title in one.titles if title != _LAST)
    columns = ["SERVICE", "#", *titles]
    columns += [_LAST] if any(_LAST in one.titles for _, one in found) else []
    rows = [columns]
    for container, one in found:
        for cells in one.rows:
            known = dict(zip(one.titles, cells, strict=True))
            known |= {"SERVICE": container.service, "#": str(container.number or "")}
            rows.append([known.get(title, _NONE) for title in columns])
    return rows

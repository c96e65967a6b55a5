"""``compose ls``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from dockyard.cli import listing
from dockyard.cli.command import define
from dockyard.cli.compose import options
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.section import section
from dockyard.cli.line import option
from dockyard.cli.output import say
from dockyard.compose import observe
from dockyard.compose.observe import UP, Listed

if TYPE_CHECKING:
    from dockyard.engine import Engine

_TITLES = ("NAME", "STATUS", "CONFIG FILES")


@define("compose ls")
@option("-a", "--all", "everything", is_flag=True, help="Show all stopped Compose projects")
@option("--filter", "filters", multiple=True, metavar="filter",
        help="Filter output based on conditions provided")  # fmt: skip
@options.list_format
@option("-q", "--quiet", is_flag=True, help="Only display project names")
@with_compose
def command(
    engine: Engine,
    _flags: Flags,
    *,
    everything: bool,
    filters: tuple[str, ...],
    form: str,
    quiet: bool,
) -> None:
    """Lists projects that have containers."""
    pairs = listing.split_filters(filters, ("name",))
    found = [
        one
        for one in (each if everything else _running(each) for each in observe.projects(engine))
        if one.states and all(_matches(wanted, one.name) for _, wanted in pairs)
    ]
    if quiet:
        for one in found:
            say(one.name)
        return
    rows = [(one.name, one.status, ",".join(one.files) or "N/A") for one in found]
    documents = [dict(zip(("Name", "Status", "ConfigFiles"), row, strict=True)) for row in rows]
    width = listing.terminal_width()
    listing.put(section(_TITLES, rows, documents, form, width, ("CONFIG FILES",)))


def _running(project: Listed) -> Listed:
    """The project without what has ended."""
    states = {state: count for state, count in project.states.items() if state in UP}
    return msgspec.structs.replace(project, states=states)


def _matches(pattern: str, name: str) -> bool:
    """A filter is a name, or a regular expression that a part of it fits."""
    try:
        return pattern == name or re.search(pattern, name) is not None
    except re.error:
        return False

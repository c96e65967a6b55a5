"""``ps``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import containers_filter, listing, options
from dockyard.cli import containers_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import option, whole_number
from dockyard.cli.open_ports import Ports
from dockyard.containers.health.model import Report
from dockyard.containers.model import Container

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("ps")
@option("-a", "--all", "everything", is_flag=True,
        help="Show all containers (default shows just running)")  # fmt: skip
@options.filters
@options.format_option
@option("-n", "--last", read=whole_number, default=-1, metavar="int",
        help="Show n last created containers (includes all states)")  # fmt: skip
@option("-l", "--latest", is_flag=True,
        help="Show the latest created container (includes all states)")  # fmt: skip
@options.no_trunc
@option("-q", "--quiet", is_flag=True, help="Only display container IDs")
@option("-s", "--size", is_flag=True, help="Display total file sizes")
@with_engine
def command(
    engine: Engine,
    *,
    everything: bool,
    filters: tuple[str, ...],
    form: str | None,
    last: int,
    latest: bool,
    no_trunc: bool,
    quiet: bool,
    size: bool,
) -> None:
    """Lists containers, the newest first."""
    pairs = listing.split_filters(filters, containers_filter.KEYS)
    limit = 1 if latest else last
    ports = Ports(engine)
    health = engine.containers.healths()
    around = containers_filter.Surroundings(
        engine.images.descendants, ports.of, lambda one: _health(health.get(one.id)) or "none"
    )
    containers = containers_filter.matching(engine.containers.all(), pairs, around)
    if limit > 0:
        containers = containers[:limit]
    elif not everything and not any(name == "status" for name, _ in pairs):
        shown = {"running", "paused", "restarting"}
        containers = [one for one in containers if one.shown_state in shown]
    if quiet and form is None:
        form = "{{.ID}}"
    size = size or (form is not None and ".Size" in form)
    now = time.time_ns()
    rows = [
        view.row(_shown(engine, one, ports, health.get(one.id), size=size), now, cut=not no_trunc)
        for one in containers
    ]
    columns = (*view.COLUMNS, "Size") if size else view.COLUMNS
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, columns, form, width))


def _shown(
    engine: Engine, container: Container, ports: Ports, health: Report | None, *, size: bool
) -> view.Shown:
    """What the row of a container needs."""
    sizes = engine.containers.sizes(container) if size else None
    words = _health(health) if container.running else None
    return view.Shown(container, ports.of(container), sizes, words)


def _health(report: Report | None) -> str | None:
    return None if report is None else report.status

"""``ps``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dockyard.cli import containers_view as view
from dockyard.cli import listing, options
from dockyard.cli.command import define, not_yet, with_engine
from dockyard.containers.model import Container
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("ps")
@click.option("-a", "--all", "everything", is_flag=True,
              help="Show all containers (default shows just running)")  # fmt: skip
@options.filters
@options.format_option
@click.option("-n", "--last", type=int, default=-1, metavar="int",
              help="Show n last created containers (includes all states)")  # fmt: skip
@click.option("-l", "--latest", is_flag=True,
              help="Show the latest created container (includes all states)")  # fmt: skip
@options.no_trunc
@click.option("-q", "--quiet", is_flag=True, help="Only display container IDs")
@not_yet({"-s, --size": None})
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
) -> None:
    """Lists containers, the newest first."""
    pairs = listing.split_filters(filters, view.FILTERS)
    limit = 1 if latest else last
    containers = view.matching(engine.containers.all(), pairs, lambda name: _image_id(engine, name))
    if limit > 0:
        containers = containers[:limit]
    elif not everything and not any(name in {"status", "exited"} for name, _ in pairs):
        containers = [one for one in containers if one.shown_state in {"running", "restarting"}]
    if quiet and form is None:
        form = "{{.ID}}"
    exposed: dict[str, tuple[str, ...]] = {}
    now = time.time_ns()
    rows = [view.row(_shown(engine, one, exposed), now, cut=not no_trunc) for one in containers]
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))


def _shown(engine: Engine, container: Container, exposed: dict[str, tuple[str, ...]]) -> view.Shown:
    """What the row of a container needs; ``exposed`` remembers images."""
    if not container.running:
        return view.Shown(container)
    if container.image_id not in exposed:
        image = engine.images.get(container.image_id)
        exposed[container.image_id] = tuple(image.config.config.exposed_ports)
    shown = () if container.options.networking.network == "host" else exposed[container.image_id]
    return view.Shown(container, engine.containers.ports(container), shown)


def _image_id(engine: Engine, name: str) -> str | None:
    try:
        return engine.images.find(name).id
    except NotFound:
        return None

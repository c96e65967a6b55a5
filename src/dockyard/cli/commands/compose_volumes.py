"""``compose volumes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing
from dockyard.cli import options as shared
from dockyard.cli import volumes_view as view
from dockyard.cli.command import define
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import observe, selection

if TYPE_CHECKING:
    from dockyard.compose.observe import Stack
    from dockyard.engine import Engine
    from dockyard.volumes.model import Volume


@define("compose volumes", "[OPTIONS] [SERVICE...]")
@shared.format_option
@option("-q", "--quiet", is_flag=True, help="Only display volume names")
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine, flags: Flags, services: tuple[str, ...], *, form: str | None, quiet: bool
) -> None:
    """Lists the project's volumes, or those that the services' containers use."""
    project, name = projects.find(flags, services)
    if project is not None:
        for service in services:
            selection.service_of(project, service)
    found = _used(observe.observed(engine, name), services)
    if quiet:
        listing.put("".join(f"{one.name}\n" for one in found))
        return
    rows = [view.row(one) for one in found]
    width = listing.terminal_width()
    listing.put(listing.list_text(rows, view.TITLES, view.COLUMNS, form, width))


def _used(stack: Stack, services: tuple[str, ...]) -> list[Volume]:
    volumes = sorted(stack.volumes.values(), key=lambda one: one.name)
    if not services:
        return volumes
    mounted = {
        mount.source
        for each in stack.of(*services)
        for mount in each.record.mounts
        if mount.kind == "volume"
    }
    return [one for one in volumes if one.name in mounted]

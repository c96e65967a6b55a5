"""``compose create``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli.command import define
from dockyard.cli.compose import creation
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("compose create", "[OPTIONS] [SERVICE...]")
@creation.flags
@argument("services", many=True, required=False)
@with_compose
def command(engine: Engine, flags: Flags, /, services: tuple[str, ...], **values: Any) -> None:
    """Makes the services' containers, and starts none."""
    creation.check(values)
    project = creation.scaled(projects.load(flags, services, resolved=True), values["scale"])
    options = creation.options(flags, services, values)
    creation.create(engine, flags, project, options)

"""``rollout status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import rollouts_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("rollout status", "[OPTIONS] SERVICE")
@options.format_option
@argument("service")
@with_engine
def command(engine: Engine, service: str, *, form: str | None) -> None:
    """Shows how the last rollout of a service goes, or went."""
    found = engine.services.rollout(service)
    if found is None:
        from dockyard.serving.verbs import beginning

        declared, _ = engine.services.find(service)
        raise NotFound(f"{service} had no rollout", hint=beginning(declared.service))
    rows = [view.row(found)]
    listing.put(listing.list_text(rows, view.TITLES, tuple(view.TITLES), form,
                                  listing.terminal_width(), first=("Why",)))  # fmt: skip

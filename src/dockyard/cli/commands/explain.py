"""``explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import services_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option, whole_number

if TYPE_CHECKING:
    from dockyard.engine import Engine

_TITLES = {"Time": "TIME", "Kind": "WHAT", "Text": "WHY"}


@define("explain", "[OPTIONS] SERVICE")
@option("-n", "--tail", "count", read=whole_number, metavar="int", default=20,
        help="Number of decisions to show, the last ones")  # fmt: skip
@options.format_option
@argument("name")
@with_engine
def command(engine: Engine, name: str, *, count: int, form: str | None) -> None:
    """Tells how a service stands, and why the last decisions were made."""
    declared, variant = engine.services.find(name)
    found = engine.services.explain(name, count)
    rows = [{"Time": view.moment(one.at), "Kind": one.kind, "Text": one.text} for one in found]
    if form is None:
        stands = next(
            one.standing
            for one in engine.services.all()
            if one.service.project == declared.service.project and one.variant.name == variant
        )
        words = f"{variant} is {stands.condition}: {stands.ready} of {stands.wanted} replicas ready"
        why = "; ".join(filter(None, (stands.reason, stands.why))) or "nothing was decided yet"
        listing.put(f"{words}; {why}\n\n")
    listing.put(listing.list_text(rows, _TITLES, tuple(_TITLES), form, listing.terminal_width()))

"""``model ls``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli import models_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option

if TYPE_CHECKING:
    from dockyard.engine import Engine

_FILTERS = ("dangling", "reference")


@define("model ls", "[OPTIONS] [REPOSITORY[:TAG]]")
@option("--digests", is_flag=True, help="Show digests")
@options.filters
@options.format_option
@options.no_trunc
@option("-q", "--quiet", is_flag=True, help="Only show model IDs")
@argument("name", required=False)
@with_engine
def command(
    engine: Engine, name: str | None, *, digests: bool, filters: tuple[str, ...],
    form: str | None, no_trunc: bool, quiet: bool,
) -> None:  # fmt: skip
    """Lists models, the latest first."""
    pairs = listing.split_filters(filters, _FILTERS)
    chosen = view.select(engine.models.list(), name, pairs)
    users = {model: len(containers) for model, containers in engine.models.users().items()}
    rows = view.rows(chosen, time.time_ns(), users, cut=not no_trunc and form != "json")
    if quiet and form is None:
        listing.put("".join(f"{one}\n" for one in dict.fromkeys(row["ID"] for row in rows)))
        return
    columns = view.columns(digests=digests)
    width = listing.terminal_width(cut=not no_trunc)
    listing.put(listing.list_text(rows, view.TITLES, columns, form, width))

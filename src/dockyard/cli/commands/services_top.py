"""``services top``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands.stats import redraw
from dockyard.cli.line import option
from dockyard.cli.visible import visible

if TYPE_CHECKING:
    from dockyard.engine import Engine

_INTERVAL_SECONDS = 1.0
_CLEAR_ALL = "\x1b[2J"


@define("services top")
@options.format_option
@option("--no-stream", is_flag=True, help="Print once, and end")
@with_engine
def command(engine: Engine, *, form: str | None, no_stream: bool) -> None:
    """Shows what services do, every second until Ctrl-C."""
    from dockyard.cli import services_top_view as view
    from dockyard.serving import sight

    live = not no_stream and sys.stdout.isatty()
    if live:
        listing.put(_CLEAR_ALL, drawn=True)
    before, at = view.by_target(sight.look(engine)), time.monotonic()
    try:
        while True:
            time.sleep(_INTERVAL_SECONDS)
            now, moment = view.by_target(sight.look(engine)), time.monotonic()
            rows = [view.row(before.get(key), one, moment - at) for key, one in now.items()]
            text = listing.list_text(rows, view.TITLES, tuple(view.TITLES), form,
                                     listing.terminal_width())  # fmt: skip
            listing.put(redraw(visible(text)) if live else text, drawn=live)
            if no_stream:
                return
            before, at = now, moment
    except KeyboardInterrupt:  # the usual way to end it, hence no failure
        return

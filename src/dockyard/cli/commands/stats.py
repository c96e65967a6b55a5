"""``stats``."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dockyard.cli import listing, options
from dockyard.cli import stats_view as view
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.stats_view import Target
from dockyard.cli.visible import visible
from dockyard.errors import Conflict, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.observability.stats import Sample

_INTERVAL_SECONDS = 1.0
_HOME, _CLEAR_LINE, _CLEAR_BELOW, _CLEAR_ALL = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


@define("stats", "[OPTIONS] [CONTAINER...]")
@option("-a", "--all", "everything", is_flag=True,
        help="Show all containers (default shows just running)")  # fmt: skip
@options.format_option
@option("--no-stream", is_flag=True,
        help="Disable streaming stats and only pull the first result")  # fmt: skip
@options.no_trunc
@argument("names", many=True, required=False)
@with_engine
def command(
    engine: Engine,
    names: tuple[str, ...],
    *,
    everything: bool,
    form: str | None,
    no_stream: bool,
    no_trunc: bool,
) -> None:
    """Prints what containers use, once or every second."""
    targets = _named(engine, names) if names else []

    def find() -> list[Target]:
        if names:
            return [_again(engine, one) for one in targets]
        return _listed(engine, everything=everything)

    show(engine, find, form, no_stream=no_stream, no_trunc=no_trunc)


def show(
    engine: Engine,
    find: Callable[[], list[Target]],
    form: str | None,
    *,
    no_stream: bool,
    no_trunc: bool,
) -> None:
    """Prints what containers use, once or every second until Ctrl-C.

    Args:
        find: says which containers it is to be about, each time anew.
    """
    live = not no_stream and sys.stdout.isatty()
    before = _samples(engine, find())
    if live:
        listing.put(_CLEAR_ALL, drawn=True)
    try:
        while True:
            time.sleep(_INTERVAL_SECONDS)
            targets = find()
            after = _samples(engine, targets)
            rows = [
                view.row(one, before.get(one.container.id), after.get(one.container.id),
                         cut=not no_trunc)
                for one in targets
            ]  # fmt: skip
            width = listing.terminal_width(cut=not no_trunc)
            text = listing.list_text(rows, view.TITLES, view.COLUMNS, form, width, view.CUT_FIRST)
            listing.put(redraw(visible(text)) if live else text, drawn=live)
            if no_stream:
                return
            before = after
    except KeyboardInterrupt:  # the usual way to end it, hence no failure
        return


def redraw(text: str) -> str:
    """The text over what the terminal shows, without flicker."""
    return _HOME + text.replace("\n", f"{_CLEAR_LINE}\n") + _CLEAR_BELOW


def _named(engine: Engine, names: tuple[str, ...]) -> list[Target]:
    return [Target(engine.containers.get(name), name) for name in names]


def _listed(engine: Engine, *, everything: bool) -> list[Target]:
    return [Target(one, one.id) for one in engine.containers.all() if everything or one.running]


def _again(engine: Engine, target: Target) -> Target:
    """The container as it is now; one that the user named stays when it is removed."""
    try:
        return Target(engine.containers.get(target.container.id), target.called)
    except NotFound:
        return msgspec.structs.replace(target, gone=True)


def _samples(engine: Engine, targets: list[Target]) -> dict[str, Sample]:
    """A sample of each that runs; one that ends meanwhile has none."""
    found = {}
    for target in targets:
        with contextlib.suppress(Conflict, NotFound):
            found[target.container.id] = engine.containers.stats(target.container)
    return found

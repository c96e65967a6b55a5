"""Lines of many containers as one stream, with names before them."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dockyard.cli.output import write_all
from dockyard.compose import logs
from dockyard.compose.observe import Observed
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


def pattern(text: str | None) -> re.Pattern[str] | None:
    """What lines are searched for.

    Raises:
        InvalidInput: it is no regular expression.
    """
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise InvalidInput(f"--grep {text}: {error}", hint="it is a regular expression") from None


def show(
    engine: Engine, containers: Sequence[Observed], wanted: logs.Wanted,
    searched: re.Pattern[str] | None, *, timestamps: bool = False,
) -> None:  # fmt: skip
    """Prints what there is, oldest first."""
    width = max((len(each.name) for each in containers), default=0)
    streams = [_lines(engine, each, wanted, searched) for each in containers]
    for moment, name, text in heapq.merge(*streams):
        shown = f"{moment} " if timestamps else ""
        write_all(1, f"{name:<{width}} | {shown}".encode() + text + b"\n")


def _lines(
    engine: Engine, container: Observed, wanted: logs.Wanted, searched: re.Pattern[str] | None
) -> Iterator[tuple[str, str, bytes]]:
    """Time, container and text of each."""
    for line in logs.read(engine, (container,), wanted):
        if searched is None or searched.search(line.text.decode(errors="replace")):
            yield line.time, container.name, line.text

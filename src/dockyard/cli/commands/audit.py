"""``audit``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, one_of, option
from dockyard.cli.paragraph import paragraph
from dockyard.cli.render import paint
from dockyard.cli.visible import visible
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.audit.model import Finding
    from dockyard.containers.model import Container
    from dockyard.engine import Engine
    from dockyard.images.model import Image

_COLOURS = {"high": "31", "medium": "33", "low": "36"}
_INDENT = 14
"""Columns before what is said of a finding."""
_LEVELS = ("high", "medium", "low")


@define("audit", "[OPTIONS] [NAME...]")
@option("--fail-on", read=one_of(_LEVELS), metavar="level",
        help="Exit with 1 for a finding at least this bad: high, medium or low")  # fmt: skip
@options.format_option
@option("--level", "least", read=one_of(_LEVELS), default="low", metavar="level",
        help="Show only findings that are at least this bad")  # fmt: skip
@argument("names", many=True, required=False)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, fail_on: str | None, form: str | None, least: str
) -> int:
    """Prints what departs from the CIS Docker Benchmark, and what mends it."""
    from dockyard.audit.apply import audit

    images, containers = _subjects(engine, names)
    found = audit(engine.parts, images, containers, include_host=not names)
    width = listing.terminal_width()
    shown = [one for one in found if _LEVELS.index(one.level) <= _LEVELS.index(least)]
    if form:
        listing.put(listing.list_text([_row(one) for one in shown], _TITLES, _COLUMNS, form, width))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        listing.put(report(shown, width, colour=colour), drawn=True)
    worst = [one for one in found if fail_on and _LEVELS.index(one.level) <= _LEVELS.index(fail_on)]
    return 1 if worst else 0


def _subjects(engine: Engine, names: Sequence[str]) -> tuple[list[Image], list[Container]]:
    """The containers and images of these names; all where there are none."""
    if not names:
        return list(engine.images.list()), engine.containers.all()
    images, containers = [], []
    for name in names:
        try:
            containers.append(engine.containers.get(name))
        except NotFound:
            try:
                images.append(engine.images.find(name))
            except (NotFound, InvalidInput):
                raise NotFound(f"no such container or image: {name}",
                               hint="dockyard ps -a and dockyard images list what there is",
                               reference="no-such-object") from None  # fmt: skip
    return images, containers


_TITLES = {"Rule": "CIS", "Level": "LEVEL", "Kind": "KIND", "Subject": "SUBJECT",
           "Message": "FINDING", "Mend": "MEND"}  # fmt: skip
_COLUMNS = ("Level", "Rule", "Kind", "Subject", "Message", "Mend")


def _row(finding: Finding) -> dict[str, str]:
    return {
        "Rule": finding.rule,
        "Level": finding.level,
        "Kind": finding.kind,
        "Subject": finding.subject,
        "Message": finding.message,
        "Mend": finding.mend,
    }


def report(findings: Sequence[Finding], width: int | None = None, *, colour: bool = False) -> str:
    """The findings for people, each with its mend on a line of its own. Pure.

    Args:
        width: columns of the terminal; ``None`` for lines of any length.
    """
    lines = []
    for one in findings:
        what = visible(f"{one.kind} {one.subject}: {one.message}")
        mark = paint(f"{one.level:<6}", _COLOURS[one.level], on=colour)
        lines.append(f"{mark} {one.rule:<6} {paragraph(what, width, _INDENT)}\n")
        lines.append(f"       mend:  {paragraph(visible(one.mend), width, _INDENT)}\n")
    counts = [f"{sum(one.level == level for one in findings)} {level}" for level in _LEVELS]
    lines.append(("\n" if findings else "") + f"Findings: {', '.join(counts)}\n")
    return "".join(lines)

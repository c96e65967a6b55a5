"""``doctor``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dockyard.cli import listing, options
from dockyard.cli.command import define
from dockyard.cli.paragraph import paragraph
from dockyard.cli.render import paint
from dockyard.cli.table import table
from dockyard.cli.visible import visible
from dockyard.config import Config

if TYPE_CHECKING:
    from dockyard.doctor import Report

_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}
_GOES_ON = " \\"
"""What ends a line of a command that has more, for a shell."""
_INDENT = 9
"""Columns of a check's status."""
_TITLES = ("COMPONENT", "VERSION", "PATH", "PACKAGE", "FOR")


@define("doctor")
@options.object_format
def command(*, form: str | None) -> int:
    """Prints the report; the exit code is 1 where a required thing is missing or broken."""
    from dockyard.doctor import examine

    report = examine(Config.from_environment())
    if form:
        listing.put(listing.object_text(document(report), form))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        listing.put(report_text(report, listing.terminal_width(), colour=colour), drawn=True)
    return 0 if report.healthy else 1


def document(report: Report) -> dict[str, Any]:
    """The fields of ``--format``. Pure."""
    return {
        "Healthy": report.healthy,
        "Components": [
            {
                "Name": one.component.program,
                "Version": one.version,
                "Path": one.path,
                "Package": one.component.package,
                "Purpose": one.component.purpose,
                "Need": one.component.need,
            }
            for one in report.components
        ],
        "Checks": [
            {"Name": one.name, "Status": one.status, "Detail": one.detail, "Hint": one.hint}
            for one in report.checks
        ],
    }


def report_text(report: Report, width: int | None = None, *, colour: bool = False) -> str:
    """The report for people. Pure.

    Args:
        width: columns of the terminal; ``None`` for lines of any length.
    """
    from dockyard.doctor import install_command

    rows = [_TITLES]
    for one in report.components:
        part = one.component
        state = one.version if one.path else f"missing ({part.need})"
        rows.append((part.program, state, one.path or "-", part.package, part.purpose))
    lines = [table(rows, width), "\n"]
    for check in report.checks:
        mark = paint(f"{check.status:<8}", _COLOURS[check.status], on=colour)
        said = [f"{check.name}: {check.detail}", *([f"hint: {check.hint}"] if check.hint else [])]
        shown = [paragraph(visible(line), width, _INDENT) for line in said]
        lines.append(f"{mark} " + f"\n{' ' * _INDENT}".join(shown) + "\n")
    lacking = [one.component for one in report.components if one.path is None]
    if lacking:
        command = f"Install what is missing: {install_command(lacking)}"
        lines.append(f"\n{paragraph(command, width, 4, end=_GOES_ON)}\n")
    lines.append("\nReady.\n" if report.healthy else "\nNot ready: see above.\n")
    return "".join(lines)

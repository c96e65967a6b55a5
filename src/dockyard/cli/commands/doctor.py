"""``doctor``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dockyard.cli import listing, options
from dockyard.cli.command import define
from dockyard.cli.render import paint
from dockyard.cli.table import table
from dockyard.config import Config

if TYPE_CHECKING:
    from dockyard.doctor import Report

_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}
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
        listing.put(report_text(report, colour=colour))
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


def report_text(report: Report, *, colour: bool = False) -> str:
    """The report for people. Pure."""
    from dockyard.doctor import install_command

    rows = [_TITLES]
    for one in report.components:
        part = one.component
        state = one.version if one.path else f"missing ({part.need})"
        rows.append((part.program, state, one.path or "-", part.package, part.purpose))
    lines = [table(rows), "\n"]
    for check in report.checks:
        mark = paint(f"{check.status:<8}", _COLOURS[check.status], on=colour)
        lines.append(f"{mark} {check.name}: {check.detail}\n")
        if check.hint:
            lines.append(f"         hint: {check.hint}\n")
    lacking = [one.component for one in report.components if one.path is None]
    if lacking:
        lines.append(f"\nInstall what is missing: {install_command(lacking)}\n")
    lines.append("\nReady.\n" if report.healthy else "\nNot ready: see above.\n")
    return "".join(lines)

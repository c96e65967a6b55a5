"""What ``build`` prints of the checks: Docker's text and JSON. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from dockyard.build.checking import Report
from dockyard.build.dockerfile.source import redacted

_RULE = "-" * 20


def text(report: Report) -> str:
    """Each finding with the lines around it."""
    findings = report.findings
    if not findings:
        return "Check complete, no warnings found.\n"
    what = "1 warning has" if len(findings) == 1 else f"{len(findings)} warnings have"
    shown = [f"Check complete, {what} been found!\n"]
    lines = report.text.replace("\r\n", "\n").split("\n")
    for each in findings:
        excerpt = "\n".join(_excerpt(lines, each.start, each.end))
        shown.append(
            f"WARNING: {each.rule} - {each.url}\n{each.detail}\n{report.filename}:{each.start}\n"
            f"{_RULE}\n{excerpt}\n{_RULE}\n"
        )
    if report.error:
        shown.append(f"ERROR: {report.error}\n")
    return "\n".join(shown)


def _excerpt(lines: Sequence[str], start: int, end: int) -> list[str]:
    first, last = start, end
    for _ in range(2 if start == end else 1):
        first, last = max(first - 1, 1), min(last + 1, len(lines))
    return [
        f" {number:3d} | {'>>>' if start <= number <= end else '   '} {redacted(lines[number - 1])}"
        for number in range(first, last + 1)
    ]


def summary(warnings: Sequence[str]) -> str:
    """What a build says of its findings in the end; each has its rule and line already."""
    if not warnings:
        return ""
    what = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    lines = [f" {what} found (use dockyard build --check to expand):"]
    lines += [f" - {each}" for each in warnings]
    return "\n" + "\n".join(lines) + "\n"


def document(report: Report) -> str:
    """The same for programs."""
    warnings = [
        {
            "ruleName": each.rule,
            "description": each.description,
            "url": each.url,
            "detail": each.detail,
            "location": {"ranges": [{"start": {"line": each.start}, "end": {"line": each.end}}]},
        }
        for each in report.findings
    ]
    data = base64.b64encode(report.text.encode()).decode()
    whole: dict[str, object] = {"warnings": warnings or None}
    whole["sources"] = [{"filename": report.filename, "data": data, "language": "Dockerfile"}]
    if report.error:
        whole["buildError"] = {"message": report.error}
    return json.dumps(whole, indent=2) + "\n"

"""What ``build --call=outline`` and ``--call=targets`` print: Docker's text and JSON. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from dockyard.build.outline import Argument, Outline, Supply, Target

_GAP = 3


def targets_text(targets: Sequence[Target]) -> str:
    """A line for each stage."""
    rows = [("TARGET", "DESCRIPTION")]
    for each in targets:
        name = f"{each.name} (default)".lstrip() if each.default else each.name
        rows.append((name, each.description))
    return _aligned(rows, gap=1)


def outline_text(outline: Outline) -> str:
    """The target, then what it takes."""
    header = [("TARGET:", outline.name), ("DESCRIPTION:", outline.description)]
    parts = [_aligned([row for row in header if row[1]], gap=1)]
    if outline.arguments:
        rows = [(each.name, each.value or "", each.description) for each in outline.arguments]
        parts.append(_aligned([("BUILD ARG", "VALUE", "DESCRIPTION"), *rows], gap=_GAP))
    for title, supplies in (("SECRET", outline.secrets), ("SSH", outline.agents)):
        if supplies:
            wanted = [(each.name, "true" if each.required else "") for each in supplies]
            parts.append(_aligned([(title, "REQUIRED"), *wanted], gap=_GAP))
    return "".join(f"{part}\n" for part in parts if part)


def _aligned(rows: Sequence[tuple[str, ...]], *, gap: int) -> str:
    """Columns as wide as their widest cell; the last one as it is."""
    if not rows:
        return ""
    widths = [max(map(len, column)) + gap for column in list(zip(*rows, strict=True))[:-1]]
    lines = [
        "".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)) + row[-1]
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def targets_document(targets: Sequence[Target], text: str) -> str:
    """The stages for programs."""
    found = [
        _filled(
            name=each.name, default=each.default, description=each.description, base=each.base,
            location=_location(each.line),
        )
        for each in targets
    ]  # fmt: skip
    return _document({"targets": found}, text)


def outline_document(outline: Outline, text: str) -> str:
    """The outline for programs."""
    found = _filled(
        name=outline.name,
        description=outline.description,
        args=[_argument(each) for each in outline.arguments],
        secrets=[_supply(each) for each in outline.secrets],
        ssh=[_supply(each) for each in outline.agents],
    )
    return _document(found, text)


def _argument(each: Argument) -> dict[str, object]:
    known = _filled(name=each.name, description=each.description)
    value = {} if each.value is None else {"value": each.value}
    return {**known, **value, "location": _location(each.line)}


def _supply(each: Supply) -> dict[str, object]:
    return _filled(name=each.name, required=each.required, location=_location(each.line))


def _filled(**fields: object) -> dict[str, object]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value}


def _location(line: int) -> dict[str, object]:
    return {"ranges": [{"start": {"line": line}, "end": {"line": line}}]}


def _document(found: dict[str, object], text: str) -> str:
    sources = [base64.b64encode(text.encode()).decode()]
    return json.dumps({**found, "sources": sources}, indent=2) + "\n"

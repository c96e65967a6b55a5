"""The ids of records: what may be one, and how two are compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Id = str | int


def text(value: Id) -> str:
    """What makes an id itself: ``1`` and ``"1"`` are the same."""
    return str(value)


def problem(value: object) -> str | None:
    """Why a value can't be an id; ``None`` where it can."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "is no text and no whole number"
    if value == "":
        return "is empty"
    return None


def of(record: Mapping[str, Any], field: str) -> Id | None:
    """The id of a record; ``None`` where it has none that can be used."""
    value = record.get(field)
    return None if problem(value) else value

"""Trees as YAML, as Docker Compose's library writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from functools import cmp_to_key
from typing import Any, Final

from dockyard.compose.load.printed import general, moment
from dockyard.compose.load.yaml_scalars import scalar

_STEP: Final = "  "


def yaml_text(value: Any) -> str:
    """A tree, its mappings in the order that they have."""
    return "".join(f"{line}\n" for line in _lines(value, ""))


def by_name(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping in the order of its names, ``a2`` before ``a10``."""
    return dict(sorted(mapping.items(), key=lambda item: _ORDER(item[0])))


def sorted_names(value: Any) -> Any:
    """A tree whose mappings are all in the order of their names."""
    if isinstance(value, dict):
        return by_name({key: sorted_names(item) for key, item in value.items()})
    return [sorted_names(item) for item in value] if isinstance(value, list) else value


def _lines(value: Any, margin: str) -> Iterator[str]:
    """Without the margin of the first one."""
    if isinstance(value, dict) and value:
        for index, (key, item) in enumerate(value.items()):
            name = f"{margin if index else ''}{scalar(key, margin='', is_key=True)}:"
            yield from _entry(name, item, margin)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            first, *rest = _lines(item, margin + _STEP)
            yield f"{margin if index else ''}- {first}"
            yield from rest
    else:
        yield from _leaf(value, margin).split("\n")


def _entry(name: str, item: Any, margin: str) -> Iterator[str]:
    inner = margin + _STEP
    lines = _lines(item, inner)
    if isinstance(item, dict | list) and item:
        yield name
        yield inner + next(lines)
    else:
        yield f"{name} {next(lines)}"
    yield from lines


def _leaf(value: Any, margin: str) -> str:
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return general(value)
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return scalar(value, margin=margin) if isinstance(value, str) else str(value)


def _compared(one: str, other: str) -> int:
    """Names as people sort them: numbers within them by their values, letters after others."""
    in_number = False
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left == right:
            in_number = left.isdecimal()
            continue
        if left.isalpha() and right.isalpha():
            return -1 if left < right else 1
        if left.isalpha() or right.isalpha():
            return -1 if left.isalpha() == in_number else 1
        return _numbers_compared(one, other, at)
    return len(one) - len(other)


def _numbers_compared(one: str, other: str, at: int) -> int:
    leading = "0" in {one[at], other[at]} and bool(_digits_before(one, at).strip("0"))
    left, right = _digits(one, at), _digits(other, at)
    values = [int(f"{'1' if leading else '0'}{digits}") for digits in (left, right)]
    if values[0] != values[1]:
        return values[0] - values[1]
    if len(left) != len(right):
        return len(left) - len(right)
    return -1 if one[at] < other[at] else 1


def _digits_before(text: str, at: int) -> str:
    start = at
    while start and text[start - 1].isdecimal():
        start -= 1
    return text[start:at]


def _digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end].isdecimal():
        end += 1
    return text[at:end]


_ORDER: Final = cmp_to_key(_compared)

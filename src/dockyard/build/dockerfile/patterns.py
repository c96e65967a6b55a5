"""The patterns of ``${name#pattern}``, ``${name%pattern}`` and ``${name/pattern/replacement}``.

``*`` stands for any characters and ``?`` for one; a backslash makes ``*``, ``?``, ``\\``, ``/``
and ``}`` ordinary. Matching walks the set of all reachable positions, so no pattern is slow.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final, TypeAlias

from dockyard.build.dockerfile.source import invalid


class _Wild(enum.Enum):
    ONE = "?"
    MANY = "*"


_Element: TypeAlias = "str | _Wild"
_WILDCARDS: Final[dict[str, _Element]] = {"?": _Wild.ONE, "*": _Wild.MANY}
_ESCAPABLE: Final = frozenset("*?\\/}")


def remove_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """``value`` without the shortest or longest beginning that matches ``pattern``."""
    ends = _ends(_elements(pattern), value, 0)
    if not ends:
        return value
    return value[max(ends) if longest else min(ends) :]


def remove_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """``value`` without the shortest or longest ending that matches ``pattern``."""
    ends = _ends(_elements(pattern)[::-1], value[::-1], 0)
    if not ends:
        return value
    return value[: len(value) - (max(ends) if longest else min(ends))]


def replace(value: str, pattern: str, replacement: str, *, every: bool) -> str:
    """``value`` with the first or every leftmost-longest match of ``pattern`` replaced."""
    elements = _elements(pattern)
    out: list[str] = []
    position = copied = 0
    last_end = -1
    while position <= len(value):
        ends = _ends(elements, value, position)
        end = max(ends, default=-1)
        if end < 0 or (end == position == last_end):
            position += 1
            continue
        out += [value[copied:position], replacement]
        copied = last_end = end
        if not every:
            break
        position = max(end, position + 1) if end == position else end
    return "".join(out) + value[copied:]


def _elements(pattern: str) -> list[_Element]:
    elements: list[_Element] = []
    characters = iter(pattern)
    for character in characters:
        if character != "\\":
            elements.append(_WILDCARDS.get(character, character))
            continue
        escaped = next(characters, "")
        if escaped not in _ESCAPABLE:
            raise invalid(
                f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'",
                "a backslash may stand before * ? \\ / and } only",
            )
        elements.append(escaped)
    return elements


def _ends(elements: Sequence[_Element], text: str, start: int) -> set[int]:
    """Every position where a match of ``elements`` that begins at ``start`` can end."""
    positions = {start}
    for element in elements:
        if not positions:
            break
        if element is _Wild.MANY:
            positions = set(range(min(positions), len(text) + 1))
        else:
            positions = {
                position + 1
                for position in positions
                if position < len(text) and element in (_Wild.ONE, text[position])
            }
    return positions

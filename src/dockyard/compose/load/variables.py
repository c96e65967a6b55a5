"""Which variables a tree that wasn't interpolated names, and what stands for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_NAME: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS: Final = (":?", "?", ":-", "-", ":+", "+")


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable: what it is where it isn't set, and what stands in its place where it is."""

    name: str
    required: bool = False
    default: str = ""
    alternate: str = ""


def named(tree: object) -> dict[str, Variable]:
    """The variables in all texts of a tree, by name and in the order of the names."""
    found = {one.name: one for text in _texts(tree) for one in _in_text(text)}
    return dict(sorted(found.items()))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _in_text(text: str) -> Iterator[Variable]:
    at = text.find("$")
    while at >= 0:
        after = text[at + 1 : at + 2]
        plain = _NAME.match(text, at + 1)
        end = at + 2
        if after == "{":
            end = _end(text, at + 2)
            yield from _braced(text[at + 2 : end - 1])
        elif plain is not None:
            end = plain.end()
            yield Variable(name=plain[0])
        at = text.find("$", end)


def _end(text: str, start: int) -> int:
    """Behind the brace that closes the one before ``start``; the end where none does."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position + 1
    return len(text) + 1


def _braced(inside: str) -> Iterator[Variable]:
    name = _NAME.match(inside)
    if name is None:
        return
    rest = inside[name.end() :]
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    word = rest[len(operator) :]
    yield Variable(
        name=name[0],
        required=operator.endswith("?"),
        default=word if operator.endswith("-") else "",
        alternate=word if operator.endswith("+") else "",
    )
    if not operator.endswith("?"):
        yield from _in_text(word)

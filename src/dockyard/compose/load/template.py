"""Variables in text, as Compose writes them.

``$name ${name}``, and with what takes its place: ``${name:-default}`` ``${name-default}``
``${name:+instead}`` ``${name+instead}``; ``${name:?message}`` and ``${name?message}`` demand it.
The text after the operator may hold variables itself, which are looked up even where it isn't
used. ``$$`` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Lookup = Callable[[str], str | None]
"""A variable's value; None where it isn't set."""

Warn = Callable[[str], None]
"""Takes words for the user that stop nothing."""

_VARIABLE: Final = re.compile(
    r"\$(?i:(?P<dollar>\$)"
    r"|(?P<name>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|(?P<wrong>)))"
)
_BRACED: Final = re.compile(r"(?P<name>\w+)(?P<operator>:?[-+?])(?P<word>.*)", re.DOTALL)


MAX_CHARACTERS: Final = 64 << 20
"""So long may the values be together that are put into the texts of one file."""


class TooMuch(ValueError):
    """Values together are longer than anybody means them to be."""


class BadTemplate(ValueError):
    """A text whose variables can't be read; its words are the text."""


class VariableMissing(ValueError):
    """A variable that the text demands isn't set."""


def limited(lookup: Lookup) -> Lookup:
    """The lookup, which raises :class:`TooMuch` once its values together are too long.

    Variables that are made of one another twice over and again would fill the memory.
    """
    given = 0

    def found(name: str) -> str | None:
        nonlocal given
        value = lookup(name)
        given += len(value or "")
        if given > MAX_CHARACTERS:
            raise TooMuch(f"variables with more than {MAX_CHARACTERS >> 20} Mi characters together")
        return value

    return found


def substituted(text: str, lookup: Lookup, warn: Warn) -> str:
    """The text with its variables' values.

    Args:
        warn: told of each variable that has no value and no default.

    Raises:
        BadTemplate: a ``${`` begins no variable.
        VariableMissing: it is demanded.
    """
    if "$" not in text:
        return text
    return _VARIABLE.sub(lambda found: _replacement(found, text, lookup, warn), text)


def _replacement(found: re.Match[str], text: str, lookup: Lookup, warn: Warn) -> str:
    if found["dollar"]:
        return "$"
    if found["name"]:
        return _plain(found["name"], lookup, warn)
    # The match goes to the last brace of the line: only what is in the first pair is meant.
    whole = found[0]
    end = _closing_brace(whole)
    inside = _VARIABLE.match(whole[: end + 1] if end >= 0 else whole)
    if inside is None or not inside["braced"]:
        raise BadTemplate(text)
    parts = _BRACED.fullmatch(inside["braced"])
    if parts is None:
        return _plain(inside["braced"], lookup, warn)
    rest = whole[end + 1 :] if end >= 0 else ""
    value = _with_operator(parts["name"], parts["operator"], parts["word"], lookup, warn)
    return value + substituted(rest, lookup, warn)


def _plain(name: str, lookup: Lookup, warn: Warn) -> str:
    value = lookup(name)
    if value is None:
        warn(f'The "{name}" variable is not set. Defaulting to a blank string.')
        return ""
    return value


def _with_operator(name: str, operator: str, word: str, lookup: Lookup, warn: Warn) -> str:
    word = substituted(word, lookup, warn)
    value = lookup(name)
    given = value is not None and (value != "" or not operator.startswith(":"))
    if operator.endswith("?"):
        if not given:
            reason = f": {word}" if word else ""
            raise VariableMissing(f"required variable {name} is missing a value{reason}")
        return value or ""
    if operator.endswith("+"):
        return word if given else value or ""
    return value or "" if given else word


def _closing_brace(text: str) -> int:
    """Where the brace is closed that is opened first, or -1."""
    depth = 0
    position = 0
    while position < len(text):
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        if text[position] == "{":
            depth += 1
            position += 1  # what follows a brace that opens is never one that closes
        position += 1
    return -1

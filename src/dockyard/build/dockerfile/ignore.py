"""The rules of a ``.dockerignore`` file.

A pattern is one of Go's ``filepath.Match`` with ``**`` for any number of directories. It matches a
path or any directory above it, ``!`` brings back what it matches, and the last pattern that
matches decides. See https://docs.docker.com/build/concepts/context/#dockerignore-files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec

from dockyard.build.dockerfile.source import Location, invalid, located
from dockyard.errors import BuildError

_MEMBER: Final = r"[^\\\]-]|\\."
_CLASS: Final = re.compile(rf"\[(\^?)((?:(?:{_MEMBER})(?:-(?:{_MEMBER}))?)+)\]", re.DOTALL)
_CLASS_RANGE: Final = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?", re.DOTALL)
_WILD: Final = frozenset("*?[\\")
_STAR: Final = "[^/]*"
_ONE: Final = "[^/]"
_ANY_DIRECTORIES: Final = "(?:.*/)?"
_MANY: Final = ("(", ".", "[")
"""How pieces begin that may match a slash, or more than one character."""


class _Rule(msgspec.Struct, frozen=True):
    """One pattern: its regular expression, and whether it brings back (``!``)."""

    pattern: str
    expression: str
    negated: bool


class IgnoreRules:
    """Compiled rules; made by :func:`compile_patterns`. Paths are relative, with slashes."""

    def __init__(self, rules: tuple[_Rule, ...] = ()) -> None:
        self._groups = [
            (
                negated,
                re.compile(f"(?:{'|'.join(rule.expression for rule in same)})(?:/|\\Z)", re.S),
            )
            for negated, same in groupby(rules, key=lambda rule: rule.negated)
        ]
        self._kept = tuple(rule for rule in rules if rule.negated)

    def excludes(self, path: str) -> bool:
        """Whether ``path`` is left out of the context; the context's root never is."""
        path = _clean(path)
        excluded = False
        for negated, expression in self._groups:
            if path != "." and negated == excluded and expression.match(path):
                excluded = not negated
        return excluded

    def may_reinclude_below(self, directory: str) -> bool:
        """Whether a path below ``directory`` may be kept although ``directory`` is excluded.

        A walker may skip an excluded directory when this is false.
        """
        parts = _clean(directory).split("/")
        return any(_may_match_below(rule.pattern.split("/"), parts) for rule in self._kept)


def compile_patterns(text: str, *, filename: str = ".dockerignore") -> IgnoreRules:
    """The rules of a whole file; raises :class:`BuildError` at the line of a bad pattern."""
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        with located(Location(filename, number, number, line)):
            rules.append(_rule(line.strip()))
    return IgnoreRules(tuple(rules))


def compile_list(patterns: Iterable[str]) -> IgnoreRules:
    """The rules of patterns that stand elsewhere than in a file, as those of ``--exclude``."""
    return IgnoreRules(tuple(_rule(each.strip()) for each in patterns if each.strip()))


def _rule(line: str) -> _Rule:
    negated = line.startswith("!")
    pattern = line[negated:].strip()
    if negated and not pattern.strip("/"):
        raise invalid('illegal exclusion pattern: "!"', "name what to keep after the !")
    pattern = _clean(pattern)
    return _Rule(pattern, _expression(pattern), negated)


def _clean(path: str) -> str:
    """``path`` without ``.``, ``..`` in the middle, and leading or doubled slashes."""
    return posixpath.normpath(path).lstrip("/") or "/"


def _expression(pattern: str) -> str:
    """``pattern`` as a regular expression for a whole path or a whole leading part of it."""
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        step, piece = _piece(pattern, position)
        if piece != _ANY_DIRECTORIES or pieces[-1:] != [piece]:
            pieces.append(piece)
        position += step
    return "".join(_without_retries(pieces))


def _without_retries(pieces: list[str]) -> Iterator[str]:
    """A star takes the first place where what stands up to the next star fits, and no other.

    That is enough, for the next star takes what is left; trying them all would take as many steps
    as the name is long, to the power of the number of stars.
    """
    position = 0
    while position < len(pieces):
        piece, position = pieces[position], position + 1
        if piece == _STAR and _STAR in pieces[position:]:
            end = pieces.index(_STAR, position)
            between = pieces[position:end]
            if not any(each != _ONE and each.startswith(_MANY) for each in between):
                yield f"(?>{_STAR}?{''.join(between)})"
                position = end
                continue
        yield piece


def _piece(pattern: str, position: int) -> tuple[int, str]:
    """How many characters the next element of ``pattern`` takes, and its expression."""
    character = pattern[position]
    if pattern.startswith("**", position):
        return _any_directories(pattern, position)
    match character:
        case "*":
            return 1, _STAR
        case "?":
            return 1, _ONE
        case "[":
            return _character_class(pattern, position)
        case "\\" if position + 1 == len(pattern):
            raise _syntax(pattern)
        case "\\":
            return 2, re.escape(pattern[position + 1])
    return 1, re.escape(character)


def _any_directories(pattern: str, position: int) -> tuple[int, str]:
    step = 3 if pattern.startswith("**/", position) else 2
    rest = pattern[position + step :]
    if not rest:
        return step, ".*"
    if position == 0 and step == 2 and _WILD.isdisjoint(rest):
        return step, ".*"  # "**name" is any path that ends in name, in the middle of a word too
    return step, _ANY_DIRECTORIES


def _character_class(pattern: str, position: int) -> tuple[int, str]:
    match = _CLASS.match(pattern, position)
    if match is None:
        raise _syntax(pattern)
    members = []
    for low, high in _CLASS_RANGE.findall(match[2]):
        if high and low[-1] > high[-1]:
            raise _syntax(pattern)
        members.append(re.escape(low[-1]) + (f"-{re.escape(high[-1])}" if high else ""))
    return len(match[0]), f"[{match[1]}{''.join(members)}]"


def _may_match_below(pattern: list[str], directory: list[str]) -> bool:
    for element, name in zip(pattern, directory, strict=False):
        if "**" in element or "[" in element or "\\" in element:
            return True  # the last two may hold a slash
        if not re.fullmatch(_expression(element), name, re.DOTALL):
            return False
    return True


def _syntax(pattern: str) -> BuildError:
    return invalid(
        f'syntax error in pattern "{pattern}"',
        "a [ needs its ], and a backslash a character after it",
    )

"""Which repositories a pattern means: ``*`` is some text within a component, ``**`` any components.

``team-a/**`` is all below ``team-a``, but not ``team-a`` itself; ``**`` is every repository. Pure,
and linear in the lengths of a component and its pattern, so that no name takes long to compare.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

from dockyard.errors import InvalidInput

ALL: Final = "**"
_LONGEST: Final = 255
_COMPONENT: Final = re.compile(r"[a-z0-9._*-]+")


def check(pattern: str) -> str:
    """The pattern, if it can match a repository.

    Raises:
        InvalidInput: it can't.
    """
    parts = pattern.split("/")
    well_formed = all(_COMPONENT.fullmatch(one) and (ALL not in one or one == ALL) for one in parts)
    if len(pattern) > _LONGEST or not well_formed:
        raise InvalidInput(
            f"invalid pattern: {pattern!r}",
            hint="a repository's name, in which * is any text within a component and ** any"
            " components, such as team-a/**",
        )
    return pattern


def matches(pattern: str, repository: str) -> bool:
    """True where the pattern means this repository."""
    return _below(pattern.split("/"), repository.split("/"))


class Several:
    """Patterns to compare many repositories with: each is taken apart once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._anywhere: list[list[str]] = []
        """Those that may begin with anything."""
        self._below: dict[str, list[list[str]]] = {}
        """By the component that they begin with."""
        for words in {pattern: pattern.split("/") for pattern in patterns}.values():
            begins = self._anywhere if "*" in words[0] else self._below.setdefault(words[0], [])
            begins.append(words)

    def match(self, repository: str) -> bool:
        """True where one of them means this repository."""
        parts = repository.split("/")
        candidates = itertools.chain(self._anywhere, self._below.get(parts[0], ()))
        return any(_below(words, parts) for words in candidates)


def _below(pattern: list[str], parts: list[str]) -> bool:
    """Components against components: ``reached[i]`` if so many are matched by what came so far."""
    reached = [True] + [False] * len(parts)
    for position, word in enumerate(pattern):
        if word != ALL:
            reached = [False] + [reached[i] and fits(word, part) for i, part in enumerate(parts)]
            continue
        # At the end it stands for one component at least: a/** is what is below a.
        least = 1 if position == len(pattern) - 1 else 0
        first = next((i for i, found in enumerate(reached) if found), len(parts) + 1)
        reached = [i >= first + least for i in range(len(parts) + 1)]
    return reached[-1]


def fits(word: str, part: str) -> bool:
    """One component, or any other text.

    Each ``*`` takes as little as it can, which is enough with no other sign.
    """
    if "*" not in word:
        return word == part
    head, *middle, tail = word.split("*")
    if not (part.startswith(head) and part.endswith(tail) and len(part) >= len(head) + len(tail)):
        return False
    at, end = len(head), len(part) - len(tail)
    for piece in middle:
        found = part.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True

"""``dockyard up`` for ``dockyard compose up``: flags of ``compose`` may come behind it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_WITH_VALUE: Final = frozenset({
    "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory",
    "--ansi", "--progress", "--parallel",
})  # fmt: skip
"""Of ``compose``; no command of it that can be called so has one of the same name."""


def parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags of ``compose`` among words, and the others."""
    flags: list[str] = []
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, _ = word.partition("=")
        if word == "--":
            return flags, [*rest, word, *waiting]
        if name in _WITH_VALUE and (equals or waiting):
            flags += [word] if equals else [word, waiting.pop(0)]
        elif word[:2] in {"-f", "-p"} and len(word) > 2:
            flags.append(word)
        else:
            rest.append(word)
    return flags, rest

"""What a server wants to see before it answers: ``WWW-Authenticate`` (RFC 9110, 11.6.1). Pure.

A server may send several challenges, in one header or in several, and the grammar's commas mean
two things. What makes no sense is skipped, for the server may be anybody.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

_TOKEN: Final = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_BLANK: Final = " \t"
_MAX_CHARACTERS: Final = 16 << 10
_MAX_CHALLENGES: Final = 16
_MAX_PARAMETERS: Final = 32


class Challenge(msgspec.Struct, frozen=True):
    """One way to authenticate. The scheme and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = {}


def parse(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all such headers of an answer, in order."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        _Reader(header[:_MAX_CHARACTERS], found).read()
    return tuple(Challenge(scheme, values) for scheme, values in found[:_MAX_CHALLENGES])


class _Reader:
    """One header, from left to right."""

    def __init__(self, text: str, found: list[tuple[str, dict[str, str]]]) -> None:
        self._text = text
        self._at = 0
        self._found = found
        self._own = False

    def read(self) -> None:
        """A word before ``=`` is a parameter's name, any other one begins a challenge."""
        while self._at < len(self._text):
            self._skip(_BLANK + ",")
            word = self._word()
            if not word:
                self._at += 1
                continue
            self._skip(_BLANK)
            if self._next() == "=":
                self._parameter(word)
            elif len(self._found) < _MAX_CHALLENGES:
                self._found.append((word.lower(), {}))
                self._own = True
            else:
                return

    def _parameter(self, name: str) -> None:
        self._at += 1
        self._skip(_BLANK)
        value = self._quoted() if self._next() == '"' else self._word()
        if not self._own:
            return
        values = self._found[-1][1]
        if len(values) < _MAX_PARAMETERS:
            values.setdefault(name.lower(), value)

    def _word(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in _TOKEN:
            self._at += 1
        return self._text[start : self._at]

    def _quoted(self) -> str:
        self._at += 1
        value: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == '"':
                break
            if letter == "\\" and self._at < len(self._text):
                letter = self._text[self._at]
                self._at += 1
            value.append(letter)
        return "".join(value)

    def _skip(self, letters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in letters:
            self._at += 1

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

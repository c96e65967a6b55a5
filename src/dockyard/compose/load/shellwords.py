"""A command in one text, split into words as Docker Compose does it."""

from __future__ import annotations

from typing import Final

_ENDS: Final = ";&|<>"


def split(text: str) -> list[str]:
    """The words of a command line; what follows an unquoted ``; & | < >`` is left out.

    Quotes and a backslash hold words together, backquotes and ``$( )`` too, which stay.

    Raises:
        ValueError: a quote, a parenthesis or a backslash is left open.
    """
    return _Splitter().split(text)


class _Splitter:
    def __init__(self) -> None:
        self._words: list[str] = []
        self._word = ""
        self._begun = False
        self._escaped = False
        self._open: set[str] = set()

    def split(self, text: str) -> list[str]:
        for character in text:
            if self._takes(character):
                continue
            if character in _ENDS and not self._open:
                self._begun = self._begun and not _is_descriptor(character, self._word)
                break
            if character == "(" and not self._open & {"'", '"', "`"}:
                self._parenthesis()
            self._keep(character)
        self._end()
        if self._escaped or self._open:
            raise ValueError("a quote or a parenthesis is left open")
        return self._words

    def _takes(self, character: str) -> bool:
        """True where nothing else is to be done with it."""
        if self._escaped:
            self._escaped = False
            self._keep(character)
            return True
        if character == "\\":
            self._backslash()
            return True
        if character in " \t\r\n":
            self._space(character)
            return True
        return self._quote(character)

    def _backslash(self) -> None:
        if "'" in self._open:
            self._word += "\\"
        else:
            self._escaped = True

    def _space(self, character: str) -> None:
        if self._open:
            self._word += character
        else:
            self._end()

    def _quote(self, character: str) -> bool:
        """True for a quote that goes away; others, and parentheses that close, are kept."""
        if character == "`" and not self._open & {"'", '"', "("}:
            self._open ^= {"`"}
        if character == ")" and not self._open & {"'", '"', "`"}:
            self._open ^= {"("}
        if character in {"'", '"'} and not self._open & ({"'", '"', "("} - {character}):
            self._begun = self._begun or character in self._open
            self._open ^= {character}
            return True
        return False

    def _parenthesis(self) -> None:
        if "(" in self._open or not self._word.endswith("$"):
            raise ValueError("a parenthesis that no $ is before")
        self._open.add("(")

    def _keep(self, character: str) -> None:
        self._word += character
        self._begun = True

    def _end(self) -> None:
        if self._begun:
            self._words.append(self._word)
            self._word = ""
        self._begun = False


def _is_descriptor(character: str, word: str) -> bool:
    """True for the number before ``>`` as in ``2>``, which is no word."""
    return character == ">" and word[:1].isdecimal() and word[:1].isascii()

"""Files of variables: ``.env``, and what ``--env-file`` and ``env_file`` name.

A line is ``NAME=value``, ``NAME: value``, with or without ``export``, or ``NAME`` alone, which
takes the variable's value from outside. Values in double quotes know ``\\n`` and such, those in
single quotes are taken as they are; both may have several lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final
from unicodedata import category

from dockyard.compose.load.template import (
    BadTemplate,
    Lookup,
    TooMuch,
    VariableMissing,
    Warn,
    limited,
    substituted,
)
from dockyard.errors import InvalidInput, NotFound

_BLANK: Final = "\t\v\f\r \x85\xa0"
_SPACE: Final = _BLANK + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)  # fmt: skip
_EXPORT: Final = re.compile(r"export[\t\n\f\r ]+")
_ESCAPE: Final = re.compile(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_OCTAL: Final = re.compile(r"0([0-3][0-7]{2})")
_ESCAPED: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "\\": "\\", "$": "$$",
}  # fmt: skip


def read_files(files: Iterable[str], environment: Mapping[str, str], warn: Warn) -> dict[str, str]:
    """What these files set, a later one over those before it.

    Values may use variables of ``environment``, which win, and of lines and files before.

    Raises:
        NotFound: there is no such file.
        InvalidInput: a line makes no sense.
    """
    variables: dict[str, str] = {}
    for file in files:
        parse(read_text(file), file, environment.get, variables, warn)
    return variables


def read_text(file: str) -> str:
    """The text of a file of variables.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it can't be read.
    """
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except FileNotFoundError as error:
        raise NotFound(
            f"couldn't find env file: {os.path.abspath(file)}", hint="see what --env-file names"
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"can't read env file {file}: {error.strerror}",
            hint="see whose it is, and that it is a file",
        ) from error
    return content.decode("utf-8", errors="surrogateescape")


def parse(text: str, file: str, lookup: Lookup, variables: dict[str, str], warn: Warn) -> None:
    """Adds what a text sets to ``variables``.

    Args:
        file: what it is called in errors.
        lookup: variables from outside, which win over those of the text.

    Raises:
        InvalidInput: a line makes no sense; the message says which.
    """
    _Reader(text.removeprefix("\ufeff"), file, lookup, variables, warn).read()


class _Reader:
    def __init__(
        self, text: str, file: str, lookup: Lookup, variables: dict[str, str], warn: Warn
    ) -> None:
        self._text = text
        self._file = file
        self._lookup = lookup
        self._variables = variables
        self._warn = warn
        self._at = 0
        self._counted = limited(self._known)

    def read(self) -> None:
        while self._statement():
            start = self._at
            name, alone = self._name()
            if " " in name:
                raise self._wrong(start, f"the name {name!r} has a space in it")
            if not alone:
                self._variables[name] = self._value()
                continue
            value = self._known(name)
            if value is not None:
                self._variables[name] = value

    def _statement(self) -> bool:
        """Goes to where the next one begins; False at the end."""
        while True:
            self._skip(_SPACE)
            if not self._text.startswith("#", self._at):
                return self._at < len(self._text)
            end = self._text.find("\n", self._at)
            self._at = end if end >= 0 else len(self._text)

    def _name(self) -> tuple[str, bool]:
        """A variable's name, and whether it stands alone; then comes its value."""
        export = _EXPORT.match(self._text, self._at)
        if export:
            self._at += len("export")
            self._skip(_BLANK)
        start = self._at
        if start == len(self._text):
            raise self._wrong(start, "nothing is exported")
        for position in range(start, len(self._text)):
            letter = self._text[position]
            if letter in "=:\n":
                self._at = position + 1
                self._skip(_BLANK)
                return self._text[start:position].rstrip(_SPACE), letter == "\n"
            if letter not in _BLANK and not _of_name(letter):
                line = self._text[start:].partition("\n")[0]
                raise self._wrong(
                    position, f"unexpected character {letter!r} in variable name {line!r}"
                )
        return "", False  # so reads Compose a last line without a line's end

    def _value(self) -> str:
        quote = self._text[self._at : self._at + 1]
        start = self._at
        if quote and quote in "\"'":
            value = self._quoted(quote)
            return self._expanded(_unescaped(value), start) if quote == '"' else value
        end = self._text.find("\n", self._at)
        end = end if end >= 0 else len(self._text)
        self._at = min(end + 1, len(self._text))
        value = self._text[start:end].partition(" #")[0].rstrip(_SPACE)
        return self._expanded(value, start)

    def _quoted(self, quote: str) -> str:
        start = self._at
        letters: list[str] = []
        escaped = False
        for position in range(start + 1, len(self._text)):
            letter = self._text[position]
            if letter == quote and not escaped:
                self._at = position + 1
                return "".join(letters)
            if letter == "\\" and not escaped:
                escaped = True
                continue
            letters.append(letter if letter == quote or not escaped else "\\" + letter)
            escaped = False
        line = self._text[start:].partition("\n")[0]
        raise self._wrong(start, f"unterminated quoted value {line}")

    def _expanded(self, value: str, at: int) -> str:
        try:
            return substituted(value, self._counted, self._warn)
        except BadTemplate as error:
            raise self._wrong(at, f"invalid template: {error}") from error
        except (VariableMissing, TooMuch) as error:
            raise self._wrong(at, str(error)) from error

    def _known(self, name: str) -> str | None:
        value = self._lookup(name)
        return self._variables.get(name) if value is None else value

    def _skip(self, letters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in letters:
            self._at += 1

    def _wrong(self, at: int, message: str) -> InvalidInput:
        before = self._text[:at]
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        return InvalidInput(
            f"{self._file}:{line}:{column}: {message}",
            hint="a line is NAME=value, a value with spaces in quotes",
        )


def _of_name(letter: str) -> bool:
    return letter in "_.-[]" or category(letter)[0] in "LN"


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(_escape, value)


def _escape(found: re.Match[str]) -> str:
    code = found[1]
    if code in _ESCAPED:
        return _ESCAPED[code]
    if not code.startswith("0"):
        return found[0]
    octal = _OCTAL.fullmatch(code)
    return chr(int(octal[1], 8)) if octal else "\\" + code[1:]

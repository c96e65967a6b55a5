"""Splitting an instruction into keyword, flags, words, a JSON array or heredoc words.

Quotes and escapes stay in the words here; :mod:`dockyard.build.dockerfile.expand` removes them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from dockyard.build.dockerfile.expand import unquote
from dockyard.build.dockerfile.source import invalid

_WHITE_SPACE: Final = re.compile(r"[\t\v\f\r ]+")
_HEREDOC: Final = re.compile(r"([0-9]{0,9})<<(-?)\s*([^<]*)", re.DOTALL)
_HEREDOC_OPERATOR: Final = re.compile(r"<<-?\s*")


class HeredocWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word such as ``<<EOF``, ``<<-EOF`` or ``3<<"EOF"`` that announces a heredoc.

    ``expands`` is false when any part of the delimiter was quoted; ``strips_tabs`` is the dash.
    """

    name: str
    expands: bool
    strips_tabs: bool
    descriptor: int


def split_keyword(line: str) -> tuple[str, str]:
    """The first word of a line and the rest."""
    keyword, *rest = _WHITE_SPACE.split(line.strip(), maxsplit=1)
    return keyword, rest[0] if rest else ""


def split_fields(text: str) -> list[str]:
    """The words between white space; quotes and escapes don't hold words together."""
    return _WHITE_SPACE.split(text) if text else []


def split_words(text: str, escape: str = "\\") -> list[str]:
    """The words between white space that is neither quoted nor escaped."""
    return _scan_words(text, escape)[0]


def split_flags(text: str, escape: str = "\\") -> tuple[list[str], str]:
    """The leading ``--flag`` words, without quotes and escapes, and the rest.

    A lone ``--`` ends the flags and is dropped.
    """
    flags: list[str] = []
    rest = text.lstrip()
    while rest.startswith("--"):
        flag, rest = _take_flag(rest, escape)
        if flag == "--":
            break
        flags.append(flag)
        rest = rest.lstrip()
    return flags, rest.strip()


def exec_form(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None where ``text`` isn't valid JSON, so is the shell form.

    Raises :class:`BuildError` for an array that holds anything but strings.
    """
    if not text.startswith("["):
        return None
    try:
        values = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise invalid(
            "when using JSON array syntax, arrays must be comprised of strings only",
            "put every element in double quotes",
        )
    return tuple(values)


def heredoc_words(line: str) -> list[HeredocWord]:
    """The heredocs that a line announces outside quotes, in order.

    A line with an unbalanced quote announces none. The escape character is the backslash,
    whatever the ``escape`` directive says, because the shell that reads a RUN uses it.
    """
    words, balanced = _scan_words(line, "\\", heredocs=True)
    if not balanced:
        return []
    found = (heredoc_word(word) for word in words)
    return [heredoc for heredoc in found if heredoc is not None]


def heredoc_word(word: str) -> HeredocWord | None:
    """``word`` as the announcement of a heredoc, None if it isn't one."""
    match = _HEREDOC.fullmatch(word)
    if match is None:
        return None
    words, balanced = _scan_words(match[3], "\\")
    if len(words) != 1 or not balanced:
        return None
    name, quoted = unquote(match[3])
    if not name:
        return None
    return HeredocWord(
        name=name,
        expands=not quoted,
        strips_tabs=bool(match[2]),
        descriptor=int(match[1] or "0"),
    )


def _scan_words(text: str, escape: str, *, heredocs: bool = False) -> tuple[list[str], bool]:
    """The words, and whether every quote was closed.

    With ``heredocs`` a ``<<`` keeps the white space that follows it.
    """
    words: list[str] = []
    word = quote = ""
    position = 0
    while position < len(text):
        step = text[position]
        if step == escape and quote != "'":
            step = text[position : position + 2]
            word += step if len(step) == 2 else ""
        elif quote:
            word += step
            quote = "" if step == quote else quote
        elif step.isspace():
            words.append(word)
            word = ""
        else:
            operator = _HEREDOC_OPERATOR.match(text, position) if heredocs else None
            step = operator[0] if operator else step
            word += step
            quote = step if step in {"'", '"'} else ""
        position += len(step)
    words.append(word)
    return [word for word in words if word], not quote


def _take_flag(text: str, escape: str) -> tuple[str, str]:
    flag = quote = ""
    position = 0
    while position < len(text):
        character = text[position]
        if character == escape:
            position += 1
            flag += text[position : position + 1]
        elif quote:
            flag += "" if character == quote else character
            quote = "" if character == quote else quote
        elif character.isspace():
            break
        elif character in {"'", '"'}:
            quote = character
        else:
            flag += character
        position += 1
    return flag, text[position:]

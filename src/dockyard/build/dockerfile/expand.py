"""Variables, quotes and escapes in one word of an instruction.

The forms are those of https://docs.docker.com/reference/dockerfile/#environment-replacement, with
BuildKit's reading of them: ``$name``, ``${name}``, the modifiers ``:-`` ``-`` ``:+`` ``+`` ``:?``
``?`` ``#`` ``##`` ``%`` ``%%`` ``/`` ``//``, nested at will. Single quotes keep everything as it
is, double quotes allow variables, quotes are removed, and the escape character makes the next
character ordinary. A variable that is not set expands to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from dockyard.build.dockerfile import patterns
from dockyard.build.dockerfile.source import SYNTAX_REFERENCE, invalid
from dockyard.errors import BuildError

Lookup: TypeAlias = Callable[[str], str | None]
"""The value of a variable by its name, None where it is not set."""

_MAX_NESTING: Final = 40
_SPECIAL_PARAMETERS: Final = frozenset("@*#?-$!")
_MODIFIERS_HINT: Final = "known modifiers are :- - :+ + :? ? # ## % %% / and //"


def expand(word: str, lookup: Lookup, escape: str = "\\", *, quotes: bool = True) -> str:
    """``word`` with its variables replaced and its quotes and escapes removed.

    ``quotes=False`` leaves quotes alone, which is right for the body of a heredoc. Raises
    :class:`BuildError` without a context for an unbalanced quote or a bad substitution.
    """
    return "".join(piece.text for piece in _pieces(word, lookup, escape, quotes=quotes))


def expand_words(word: str, lookup: Lookup, escape: str = "\\") -> list[str]:
    """As :func:`expand`, split at white space that was neither quoted nor escaped.

    White space in the value of an unquoted variable splits too.
    """
    words = [""]
    for text, kind in _pieces(word, lookup, escape, quotes=True):
        if kind != "plain":
            words[-1] += text
            continue
        for character in text:
            if character.isspace():
                words.append("")
            else:
                words[-1] += character
    return [word for word in words if word]


def unquote(word: str, escape: str = "\\") -> tuple[str, bool]:
    """``word`` without quotes and escapes, its ``$`` untouched; and whether any part was quoted."""
    pieces = _pieces(word, None, escape, quotes=True)
    text = "".join(piece.text for piece in pieces)
    return text, any(piece.kind == "quoted" for piece in pieces)


class _Piece(NamedTuple):
    text: str
    kind: Literal["plain", "escaped", "quoted"]


def _pieces(word: str, lookup: Lookup | None, escape: str, *, quotes: bool) -> list[_Piece]:
    try:
        return _Scanner(word, lookup, escape, quotes=quotes).pieces()
    except BuildError as error:
        if error.reference != SYNTAX_REFERENCE:
            raise
        raise invalid(f'failed to process "{word}": {error.message}', error.hint or "") from None


class _Scanner:
    """One pass over one word."""

    def __init__(self, text: str, lookup: Lookup | None, escape: str, *, quotes: bool) -> None:
        self._text = text
        self._lookup = lookup
        self._escape = escape
        self._quotes = quotes
        self._position = 0
        self._depth = 0

    def pieces(self, stop: str = "", *, keep_escapes: bool = False) -> list[_Piece]:
        """Everything up to an unquoted ``stop``, which is consumed, or to the end."""
        found: list[_Piece] = []
        while character := self._take():
            if character == stop:
                return found
            found.append(self._piece(character, keep_escapes=keep_escapes))
        if stop:
            raise invalid(f"syntax error: missing '{stop}'", f"close the substitution with {stop}")
        return found

    def _piece(self, character: str, *, keep_escapes: bool) -> _Piece:
        if character == "$" and self._lookup is not None:
            return _Piece(self._dollar(self._lookup), "plain")
        if self._quotes and character == "'":
            return _Piece(self._single_quoted(), "quoted")
        if self._quotes and character == '"':
            return _Piece(self._double_quoted(keep_escapes=keep_escapes), "quoted")
        if character == self._escape:
            return _Piece((character if keep_escapes else "") + self._take(), "escaped")
        return _Piece(character, "plain")

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _take(self) -> str:
        character = self._peek()
        self._position += 1
        return character

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._position)
        if end < 0:
            raise _unbalanced("single-quote")
        text = self._text[self._position : end]
        self._position = end + 1
        return text

    def _double_quoted(self, *, keep_escapes: bool) -> str:
        out: list[str] = []
        while character := self._take():
            if character == '"':
                return "".join(out)
            if character == "$" and self._lookup is not None:
                out.append(self._dollar(self._lookup))
            elif character == self._escape and self._peek() in {'"', "$", self._escape}:
                out.append((character if keep_escapes else "") + self._take())
            else:
                out.append(character)
        raise _unbalanced("double-quote")

    def _dollar(self, lookup: Lookup) -> str:
        """The value of the substitution whose ``$`` has just been taken."""
        if self._peek() != "{":
            name = self._name()
            return (lookup(name) or "") if name else "$"
        self._position += 1
        if not self._peek():
            raise invalid("syntax error: missing '}'", "close the substitution with }")
        if self._peek() in "{}:":
            raise invalid("syntax error: bad substitution", "a name must follow ${")
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise invalid(
                f"substitutions are nested more than {_MAX_NESTING} deep",
                hint="give an inner one a name by ARG or ENV first",
            )
        name = self._name()
        value = self._modified(name, lookup(name), self._take())
        self._depth -= 1
        return value

    def _name(self) -> str:
        start = self._position
        first = self._peek()
        if first in _SPECIAL_PARAMETERS:
            self._position += 1
            return first
        digits_only = first.isdecimal()
        while character := self._peek():
            in_name = character.isdecimal() if digits_only else _is_name_character(character)
            if not in_name:
                break
            self._position += 1
        return self._text[start : self._position]

    def _modified(self, name: str, value: str | None, modifier: str) -> str:
        match modifier:
            case "}":
                return value or ""
            case "-" | "+" | "?":
                return self._conditional(name, value, modifier)
            case ":" if self._peek() in {"-", "+", "?"}:
                problem = "unset" if value is None else "empty"
                return self._conditional(name, value or None, self._take(), problem)
            case "#" | "%":
                return self._trimmed(value or "", modifier)
            case "/":
                return self._replaced(value or "")
            case "":
                raise invalid("syntax error: missing '}'", "close the substitution with }")
        if modifier == ":":
            modifier += self._peek()
        raise invalid(f"unsupported modifier ({modifier}) in substitution", _MODIFIERS_HINT)

    def _conditional(
        self, name: str, value: str | None, modifier: str, problem: str = "unset"
    ) -> str:
        word = self._text_until("}")
        if modifier == "+":
            return "" if value is None else word
        if value is not None:
            return value
        if modifier == "-":
            return word
        raise invalid(
            f"{name}: {word or f'is not allowed to be {problem}'}",
            f"give {name} a value, for instance with --build-arg and an ARG instruction",
        )

    def _trimmed(self, value: str, modifier: str) -> str:
        pattern = self._text_until("}", keep_escapes=True)
        longest = pattern.startswith(modifier)
        remove = patterns.remove_prefix if modifier == "#" else patterns.remove_suffix
        return remove(value, pattern[longest:], longest=longest)

    def _replaced(self, value: str) -> str:
        every = self._peek() == "/"
        self._position += every
        pattern = self._text_until("/", keep_escapes=True)
        replacement = self._text_until("}", keep_escapes=True)
        return patterns.replace(value, pattern, replacement, every=every)

    def _text_until(self, stop: str, *, keep_escapes: bool = False) -> str:
        return "".join(piece.text for piece in self.pieces(stop, keep_escapes=keep_escapes))


def _is_name_character(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()


def _unbalanced(kind: str) -> BuildError:
    return invalid(
        f"unexpected end of statement while looking for matching {kind}",
        "close the quote, or put the escape character before it",
    )

"""From the text of a Go template to a tree. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec

from dockyard.cli.template_functions import FUNCTIONS
from dockyard.errors import InvalidInput, NotSupported

HINT = (
    "known are fields such as {{.Name}} and {{.State.Status}}, if, range, with, and functions such"
    " as json, upper, lower, len, join, index, printf, eq"
)
_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"(?:[^"\\\n]|\\.)*" | `[^`]*` | '[^']*')
         | (?P<number>[-+]?\d+(?:\.\d+)?)
         | (?P<variable>\$[A-Za-z_0-9]*) (?P<below>(?:\.[A-Za-z_][\w]*)*)
         | (?P<field>(?:\.[A-Za-z_][\w]*)+)
         | (?P<dot>\.)
         | (?P<word>[A-Za-z_]\w*)
         | (?P<mark>:=|=|[|(),])
        )""",
    re.VERBOSE,
)
_ACTION = re.compile(
    r"\{\{(-(?=\s))?((?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^}\"`]|\}(?!\}))*?)((?<=\s)-)?\}\}"
)
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "nil": None}
_BLOCKS = frozenset({"if", "range", "with"})
_ELSEWHERE = frozenset({"define", "template", "block"})


class Literal(msgspec.Struct, frozen=True):
    """A text, number or constant."""

    value: object


class Field(msgspec.Struct, frozen=True):
    """A field of the dot; no names are the dot itself."""

    names: tuple[str, ...]


class Variable(msgspec.Struct, frozen=True):
    """A variable, or a field of it."""

    name: str
    names: tuple[str, ...]


class Function(msgspec.Struct, frozen=True):
    """A function by name."""

    name: str


class Group(msgspec.Struct, frozen=True):
    """A pipeline in parentheses, or a field of what it yields."""

    pipeline: Pipeline
    names: tuple[str, ...] = ()


Expression = Literal | Field | Variable | Function | Group


class Command(msgspec.Struct, frozen=True):
    """A value, or a function with its arguments."""

    words: tuple[Expression, ...]


class Pipeline(msgspec.Struct, frozen=True):
    """Commands, each of which gets the result of the one before as its last argument."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = True


class Print(msgspec.Struct, frozen=True):
    """Writes what the pipeline yields."""

    pipeline: Pipeline


class If(msgspec.Struct, frozen=True):
    """``if``; ``else if`` is an :class:`If` alone in ``otherwise``."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


class With(msgspec.Struct, frozen=True):
    """``with``."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


class Range(msgspec.Struct, frozen=True):
    """``range``."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


class Break(msgspec.Struct, frozen=True):
    """``break``."""


class Continue(msgspec.Struct, frozen=True):
    """``continue``."""


Node = str | Print | If | With | Range | Break | Continue

_KINDS: dict[str, type[If | With | Range]] = {"if": If, "with": With, "range": Range}
_Item = tuple[str, bool]
"""Text or the inside of an action, and whether it is an action."""


def parse(text: str) -> tuple[Node, ...]:
    """The tree of a template.

    Raises:
        InvalidInput: it is malformed.
        NotSupported: it includes other templates.
    """
    items = _Items(_split(text))
    nodes, end = items.nodes()
    if end is not None:
        raise broken(f"unexpected {{{{{end}}}}}")
    return nodes


def broken(words: str) -> InvalidInput:
    """The error of a template that is no template."""
    return InvalidInput(f"template parsing error: {words}", hint=HINT)


def _split(text: str) -> list[_Item]:
    """Texts and actions in turn, with the white space gone that ``-`` eats."""
    items: list[_Item] = []
    position, trim = 0, False
    while (start := text.find("{{", position)) >= 0:
        found = _ACTION.match(text, start)
        if found is None:
            raise broken(f"unclosed action in {text!r}")
        literal = _literal(text[position:start])
        literal = literal.lstrip() if trim else literal
        items.append((literal.rstrip() if found[1] else literal, False))
        inside = found[2].strip()
        if not (inside.startswith("/*") and inside.endswith("*/")):
            items.append((inside, True))
        position, trim = found.end(), found[3] is not None
    rest = _literal(text[position:])
    return [*items, (rest.lstrip() if trim else rest, False)]


def _literal(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n")


class _Items:
    """Reads the items of a template in their order."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self._items = list(items)[::-1]
        self._ranges = 0

    def nodes(self, *, inside: bool = False) -> tuple[tuple[Node, ...], str | None]:
        """Nodes up to the next ``else`` or ``end``, and that."""
        found: list[Node] = []
        while self._items:
            text, action = self._items.pop()
            word = text.split(None, 1)[0] if text.split() else ""
            if not action:
                found += [text] if text else []
            elif word in {"else", "end"}:
                return tuple(found), text
            else:
                found.append(self._action(word, text))
        if inside:
            raise broken("unexpected EOF: an {{end}} is missing")
        return tuple(found), None

    def _action(self, word: str, text: str) -> Node:
        if not word:
            raise broken("empty action")
        if word in _ELSEWHERE:
            raise NotSupported(f"template action {{{{{word}}}}} is not supported", hint=HINT)
        if word in _BLOCKS:
            return self._block(word, text.removeprefix(word))
        if text in {"break", "continue"}:
            if not self._ranges:
                raise broken(f"{{{{{text}}}}} outside {{{{range}}}}")
            return Break() if text == "break" else Continue()
        return Print(_Tokens(text).all())

    def _block(self, word: str, text: str) -> Node:
        pipeline = _Tokens(text).all(several=word == "range")
        self._ranges += word == "range"
        body, end = self.nodes(inside=True)
        self._ranges -= word == "range"
        otherwise: tuple[Node, ...] = ()
        if end is not None and end != "end":
            following = end.removeprefix("else").strip()
            kind, _, rest = following.partition(" ")
            if kind in {"if", "with"}:
                return _KINDS[word](pipeline, body, (self._block(kind, rest),))
            if following:
                raise broken(f"unexpected {following!r} in {{{{else}}}}")
            otherwise, end = self.nodes(inside=True)
        if end != "end":
            raise broken(f"unexpected {{{{{end}}}}}")
        return _KINDS[word](pipeline, body, otherwise)


class _Tokens:
    """Reads the inside of one action."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._found: re.Match[str] | None = None
        self._next()

    def all(self, *, several: bool = False) -> Pipeline:
        """The pipeline that the whole action is."""
        pipeline = self._pipeline(self._variables(several=several))
        if self._found is not None:
            raise broken(f"unexpected {self._found[0].strip()!r} in {{{{{self._text.strip()}}}}}")
        return pipeline

    def _next(self) -> re.Match[str] | None:
        """Moves on; returns what was there."""
        before = self._found
        rest = self._text[self._position :]
        self._found = _TOKEN.match(self._text, self._position) if rest.strip() else None
        if rest.strip() and self._found is None:
            raise broken(f"unexpected {rest.strip()!r} in {{{{{self._text.strip()}}}}}")
        self._position = self._found.end() if self._found else len(self._text)
        return before

    def _mark(self) -> str:
        return (self._found["mark"] or "") if self._found is not None else ""

    def _variables(self, *, several: bool) -> tuple[tuple[str, ...], bool]:
        """``$x :=``, ``$x =`` or, for range, ``$x, $y :=`` in front, and whether it declares."""
        start = (self._position, self._found)
        names: list[str] = []
        while self._found is not None and self._found["variable"] and not self._found["below"]:
            names.append(self._found["variable"])
            self._next()
            if self._mark() in {":=", "="}:
                declares = self._mark() == ":="
                self._next()
                return tuple(names), declares
            if not (several and self._mark() == ","):
                break
            self._next()
        self._position, self._found = start
        return (), True

    def _pipeline(self, variables: tuple[tuple[str, ...], bool] = ((), True)) -> Pipeline:
        commands = [self._command()]
        while self._mark() == "|":
            self._next()
            commands.append(self._command())
        return Pipeline(tuple(commands), *variables)

    def _command(self) -> Command:
        words: list[Expression] = []
        while self._found is not None and self._mark() not in {"|", ")"}:
            words.append(self._word())
        if not words:
            raise broken(f"missing value in {{{{{self._text.strip()}}}}}")
        return Command(tuple(words))

    def _word(self) -> Expression:
        found = self._next()
        if found is None:
            raise broken("missing value")
        if found["string"]:
            return Literal(_unquoted(found["string"]))
        if found["number"]:
            text = found["number"]
            return Literal(float(text) if "." in text else int(text))
        if found["variable"]:
            return Variable(found["variable"], _names(found["below"]))
        if found["field"] or found["dot"]:
            return Field(_names(found["field"] or ""))
        if found["word"]:
            return _named(found["word"])
        if found["mark"] == "(":
            return self._group()
        raise broken(f"unexpected {found['mark']!r} in {{{{{self._text.strip()}}}}}")

    def _group(self) -> Group:
        pipeline = self._pipeline()
        if self._mark() != ")":
            raise broken("unclosed left paren")
        end = self._position
        self._next()
        names: tuple[str, ...] = ()
        adjacent = self._text[end : end + 1] == "."
        if adjacent and self._found is not None and self._found["field"]:
            names = _names(self._found["field"])
            self._next()
        return Group(pipeline, names)


def _named(word: str) -> Expression:
    if word in _CONSTANTS:
        return Literal(_CONSTANTS[word])
    if word not in FUNCTIONS:
        raise broken(f'function "{word}" not defined')
    return Function(word)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(".")))


def _unquoted(text: str) -> str:
    if text[0] != '"':
        return text[1:-1]
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]

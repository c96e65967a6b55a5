r"""The part of Go's templates that ``--format`` is used with. Pure.

Text with ``{{...}}`` in it: a field (``.State.Status``), ``json``, ``upper``, ``lower`` or ``len``
of one, ``join LIST SEPARATOR`` and ``index VALUE KEY...``; ``\t`` and ``\n`` in the text are a tab
and a new line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dockyard.errors import InvalidInput, NotSupported

Part = str | tuple[str, ...]
"""Literal text, or the words between braces."""

_KEYWORDS = frozenset({"range", "if", "else", "end", "with", "define", "template", "block"})
_HINT = (
    "known are fields such as {{.Name}} and {{.State.Status}},"
    " and json, upper, lower, len, join, index"
)


def parse(text: str) -> tuple[Part, ...]:
    """Splits a template.

    Raises:
        InvalidInput: it is malformed.
        NotSupported: it uses what of Go's templates is not there.
    """
    parts: list[Part] = []
    rest = text.replace("\\t", "\t").replace("\\n", "\n")
    while rest:
        literal, opening, rest = rest.partition("{{")
        if literal:
            parts.append(literal)
        if not opening:
            break
        action, closing, rest = rest.partition("}}")
        if not closing:
            raise InvalidInput(f"template parsing error: unclosed action in {text!r}", hint=_HINT)
        parts.append(_words(action.strip("- \t\n"), text))
    return tuple(parts)


def render(parts: Sequence[Part], value: object) -> str:
    """Fills a template.

    Raises:
        InvalidInput: the value has no such field.
    """
    return "".join(part if isinstance(part, str) else _text(_call(part, value)) for part in parts)


def _words(action: str, text: str) -> tuple[str, ...]:
    words = tuple(_split(action))
    if not words:
        raise InvalidInput(f"template parsing error: empty action in {text!r}", hint=_HINT)
    if words[0] in _KEYWORDS or "|" in words:
        raise NotSupported(
            f"template action {{{{{action}}}}} is not supported yet",
            hint=f"{_HINT}; --format json gives everything to other tools",
        )
    if words[0][0] not in {".", '"'} and words[0] not in _FUNCTIONS:
        raise InvalidInput(f'template parsing error: function "{words[0]}" not defined', hint=_HINT)
    return words


def _split(action: str) -> list[str]:
    """Words; a quoted one keeps its opening quote so that it isn't taken for a field."""
    words: list[str] = []
    rest = action.lstrip()
    while rest:
        if rest[0] in "\"`'":
            body, _, rest = rest[1:].partition(rest[0])
            words.append(f'"{body}')
        else:
            word = rest.split(None, 1)[0]
            words.append(word)
            rest = rest[len(word) :]
        rest = rest.lstrip()
    return words


def _call(words: tuple[str, ...], value: object) -> object:
    arguments = [_argument(word, value) for word in words[1:]]
    if words[0] not in _FUNCTIONS:
        if arguments:
            raise InvalidInput(f"template error: {words[0]} takes no arguments", hint=_HINT)
        return _argument(words[0], value)
    if not arguments:
        raise InvalidInput(f"template error: {words[0]} needs an argument", hint=_HINT)
    return _FUNCTIONS[words[0]](arguments)


def _argument(word: str, value: object) -> object:
    if word[0] == '"':
        return word[1:]
    if word[0] != ".":
        return int(word) if word.isdecimal() else word
    for name in filter(None, word.split(".")):
        if not isinstance(value, Mapping) or name not in value:
            known = f"; known here: {', '.join(value)}" if isinstance(value, Mapping) else ""
            raise InvalidInput(
                f'template error: no field "{name}" at <{word}>',
                hint=f"fields are written as in --format json{known}",
                reference="template-field",
            )
        value = value[name]
    return value


def _text(value: object) -> str:
    """As Go prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "map[" + " ".join(f"{key}:{_text(each)}" for key, each in value.items()) + "]"
        case list() | tuple():
            return "[" + " ".join(map(_text, value)) + "]"
    return str(value)


def to_json(value: object) -> str:
    """One line of JSON."""
    import json  # only where JSON is asked for

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _index(arguments: list[object]) -> object:
    value, *keys = arguments
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
        elif isinstance(value, Sequence) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            raise InvalidInput(f"template error: nothing at index {key}", hint=_HINT)
    return value


def _join(arguments: list[object]) -> str:
    if len(arguments) != 2 or not isinstance(arguments[0], Sequence):
        raise InvalidInput("template error: join wants a list and a separator", hint=_HINT)
    return str(arguments[1]).join(map(_text, arguments[0]))


def _length(arguments: list[object]) -> int:
    value = arguments[0]
    if not isinstance(value, Sequence | Mapping):
        raise InvalidInput("template error: len wants a list, a map or a text", hint=_HINT)
    return len(value)


_FUNCTIONS: Mapping[str, Callable[[list[object]], object]] = {
    "json": lambda arguments: to_json(arguments[0]),
    "upper": lambda arguments: _text(arguments[0]).upper(),
    "lower": lambda arguments: _text(arguments[0]).lower(),
    "len": _length,
    "join": _join,
    "index": _index,
}

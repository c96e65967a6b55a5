"""Checks a tree against the specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.problem import problem, suggestion
from dockyard.compose.load.schema.kinds import (
    Either,
    Held,
    Kind,
    Listed,
    Mapped,
    Nothing,
    Number,
    Text,
    Truth,
)
from dockyard.compose.load.schema.project import PROJECT
from dockyard.errors import InvalidInput

_SHOWN: Final = 40
"""Characters of a value that messages show."""

Wrong = tuple[Path, str, str | None]
"""Where, what, and a hint."""


def check(tree: dict[str, Any], places: Places) -> None:
    """Checks one file's tree, or what several were merged to.

    Raises:
        InvalidInput: what is wrong first, deepest where a value may have several forms.
    """
    for path, message, hint in wrongs(PROJECT, tree, ()):
        raise problem(places, path, message, hint)


def problems(tree: dict[str, Any], places: Places, most: int = 5) -> list[InvalidInput]:
    """What is wrong with a tree, the first ``most`` of it."""
    found = zip(range(most), wrongs(PROJECT, tree, ()), strict=False)
    return [problem(places, *wrong) for _, wrong in found]


def wrongs(kind: Kind, value: Any, path: Path) -> Iterator[Wrong]:
    """What is wrong with a value that should be of a kind."""
    if isinstance(kind, Held):
        yield from _held(kind, value, path)
    elif isinstance(kind, Mapped):
        yield from _mapped(kind, value, path)
    elif isinstance(kind, Listed):
        yield from _listed(kind, value, path)
    elif isinstance(kind, Either):
        yield from _either(kind, value, path)
    elif isinstance(kind, Text):
        yield from _text(kind, value, path)
    elif isinstance(kind, Number):
        yield from _number(kind, value, path)
    elif isinstance(kind, Truth | Nothing) and not _fits(kind, value):
        yield _unexpected(kind, value, path)


def _fits(kind: Truth | Nothing, value: object) -> bool:
    return isinstance(value, bool) if isinstance(kind, Truth) else value is None


def _text(kind: Text, value: Any, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, str):
        yield _unexpected(kind, value, path)
    elif kind.choices and value not in kind.choices:
        yield (
            path,
            f"{_shown(value)} isn't {_words(kind.choices)}",
            suggestion(value, kind.choices),
        )
    elif kind.pattern is not None and kind.pattern.search(value) is None:
        yield path, f"{_shown(value)} isn't {kind.form}", None


def _number(kind: Number, value: Any, path: Path) -> Iterator[Wrong]:
    if not _is_number(value) or (kind.whole and value != value // 1):
        yield _unexpected(kind, value, path)
    elif kind.least is not None and value < kind.least:
        yield path, f"{value} is less than {kind.least}", None
    elif kind.most is not None and value > kind.most:
        yield path, f"{value} is more than {kind.most}", None


def _listed(kind: Listed, value: Any, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield _unexpected(kind, value, path)
        return
    for index, item in enumerate(value):
        yield from wrongs(kind.of, item, (*path, index))
        if kind.unique and (first := _earlier(value, index)) is not None:
            yield (*path, index), f"{_shown(item)} is there already, as number {first}", None


def _mapped(kind: Mapped, value: Any, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield _unexpected(kind, value, path)
        return
    for name, item in value.items():
        if kind.names.fullmatch(name):
            yield from wrongs(kind.of, item, (*path, name))
        elif not kind.free:
            hint = "letters, digits, ., _ and - make a name"
            yield (*path, name), f"{_shown(name)} can't be a name", hint


def _held(kind: Held, value: Any, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield _unexpected(kind, value, path)
        return
    for name, item in value.items():
        if name in kind.properties:
            yield from wrongs(kind.properties[name], item, (*path, name))
        elif not kind.open and not (kind.extensible and name.startswith("x-")):
            hint = suggestion(name, kind.properties)
            yield (*path, name), f"{kind.what} has no property {_shown(name)}", hint
    for name in kind.required:
        if name not in value:
            yield path, f"{name!r} is missing", None


def _either(kind: Either, value: Any, path: Path) -> Iterator[Wrong]:
    """Of the one kind that has the value's form, else that it has none of them."""
    for each in kind.kinds:
        found = list(wrongs(each, value, path))
        if not found:
            return
        if _has_form(each, value):
            yield from found
            return
    yield _unexpected(kind, value, path)


def _has_form(kind: Kind, value: object) -> bool:
    forms = {Text: str, Truth: bool, Listed: list, Mapped: dict, Held: dict}
    if isinstance(kind, Number):
        return _is_number(value) and (kind.least, kind.most) != (None, None)
    return type(kind) in forms and isinstance(value, forms[type(kind)])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _earlier(values: list[Any], index: int) -> int | None:
    """The index of an equal value before that at ``index``; true isn't 1."""
    mine = values[index]
    for earlier, value in enumerate(values[:index]):
        if value == mine and isinstance(value, bool) == isinstance(mine, bool):
            return earlier
    return None


def _unexpected(kind: Kind, value: object, path: Path) -> Wrong:
    return path, f"must be {_expected(kind)}, not {_found(value)}", _remedy(kind, value)


def _expected(kind: Kind) -> str:
    if isinstance(kind, Either):
        return _words(tuple(dict.fromkeys(_expected(each) for each in kind.kinds)))
    if isinstance(kind, Number):
        return "a whole number" if kind.whole else "a number"
    names: dict[type[Kind], str] = {
        Text: "a text",
        Truth: "true or false",
        Nothing: "null",
        Listed: "a list",
        Mapped: "a mapping",
        Held: "a mapping",
    }
    return names[type(kind)]


def _found(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_number(value):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    names: dict[type[Any], str] = {list: "a list", dict: "a mapping"}
    return names.get(type(value), "a date")


def _remedy(kind: Kind, value: object) -> str | None:
    """What makes a text of what YAML takes for something else."""
    kinds = kind.kinds if isinstance(kind, Either) else (kind,)
    takes_text = any(isinstance(each, Text) for each in kinds)
    if not takes_text or value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, bool | int | float) and any(
        isinstance(each, Truth | Number) for each in kinds
    ):
        return None
    return "put it between quotes"


def _words(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

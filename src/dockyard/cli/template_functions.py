"""The functions of templates: Go's own, and those that Docker adds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_NUMBER = int | float
NO_VALUE: Mapping[str, str] = {}
"""What a map doesn't have; this very object."""


def to_json(value: object) -> str:
    """One line of JSON."""
    import json  # only where JSON is asked for

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def printed(value: object) -> str:
    """As Go prints it."""
    if value is NO_VALUE:
        return "<no value>"
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case Mapping():
            inside = " ".join(f"{key}:{printed(value[key])}" for key in sorted(value))
            return f"map[{inside}]"
        case list() | tuple():
            return "[" + " ".join(map(printed, value)) + "]"
    return str(value)


def true(value: object) -> bool:
    """Go's truth: false, 0, nil and what is empty are not."""
    return bool(value)


def _index(value: object, *keys: object) -> object:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
        elif isinstance(value, str | list | tuple) and isinstance(key, int):
            if not 0 <= key < len(value):
                raise IndexError(f"index out of range: {key}")
            value = value[key]
        else:
            raise TypeError(f"nothing at index {printed(key)}")
    return value


def _slice(value: Sequence[object], start: int = 0, end: int | None = None) -> Sequence[object]:
    return value[start:end]


def _join(values: Sequence[object], separator: str = "") -> str:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError("join wants a list and a separator")
    return separator.join(map(printed, values))


def _length(value: object) -> int:
    if not isinstance(value, str | Sequence | Mapping):
        raise TypeError("len wants a list, a map or a text")
    return len(value)


def _printf(form: object, *values: object) -> str:
    """The verbs of Go's fmt that make sense for texts, numbers and values."""
    import re

    rest = list(values)

    def fill(found: re.Match[str]) -> str:
        flags, verb = found[1], found[2]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        value = rest.pop(0)
        match verb:
            case "d" | "x" | "X" | "o" | "f" | "e" | "g":
                return f"%{flags}{verb}" % value
            case "q":
                return f"%{flags}s" % to_json(printed(value))
            case "t":
                return printed(bool(value))
        return f"%{flags}s" % printed(value)

    return re.sub(r"%([-+# 0]*\d*(?:\.\d+)?)([a-zA-Z%])", fill, str(form))


def _print(*values: object) -> str:
    """A space only between two values that are no texts, as in Go."""
    text = ""
    for place, value in enumerate(values):
        before = values[place - 1] if place else ""
        apart = place and not isinstance(value, str) and not isinstance(before, str)
        text += (" " if apart else "") + printed(value)
    return text


def _equal(first: object, *others: object) -> bool:
    if not others:
        raise TypeError("missing argument for comparison")
    return any(first == other for other in others)


def _ordered(compare: Callable[[_NUMBER, _NUMBER], bool]) -> Callable[[object, object], bool]:
    def function(first: object, second: object) -> bool:
        both_texts = isinstance(first, str) and isinstance(second, str)
        if not both_texts and not (isinstance(first, _NUMBER) and isinstance(second, _NUMBER)):
            raise TypeError("incompatible types for comparison")
        return compare(first, second)  # type: ignore[arg-type]  # both are texts or numbers

    return function


def _pad(text: str, before: int, after: int) -> str:
    return " " * before + text + " " * after if text else text


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "and": lambda *values: next((each for each in values if not true(each)), values[-1]),
    "or": lambda *values: next((each for each in values if true(each)), values[-1]),
    "not": lambda value: not true(value),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": lambda *values: " ".join(map(printed, values)) + "\n",
    "printf": _printf,
    "eq": _equal,
    "ne": lambda first, second: first != second,
    "lt": _ordered(lambda first, second: first < second),
    "le": _ordered(lambda first, second: first <= second),
    "gt": _ordered(lambda first, second: first > second),
    "ge": _ordered(lambda first, second: first >= second),
    "json": to_json,
    "split": lambda text, separator: str(text).split(separator) if separator else list(str(text)),
    "join": _join,
    "title": lambda text: printed(text)[:1].upper() + printed(text)[1:],
    "lower": lambda text: printed(text).lower(),
    "upper": lambda text: printed(text).upper(),
    "pad": _pad,
    "truncate": lambda text, length: str(text)[:length],
}
"""By name; called with the arguments of the template."""

_LEAVING = ("json", "split", "join", "title", "lower", "upper", "pad", "truncate")

HEADER_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    **FUNCTIONS,
    **dict.fromkeys(_LEAVING, lambda value, *_others: value),
}
"""For the head of a table, whose values are titles."""

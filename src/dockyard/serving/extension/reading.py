"""The block of one service as plain values: durations in seconds, sizes in bytes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dockyard.compose.load.check import wrongs
from dockyard.compose.load.forms.kinds import Unfit
from dockyard.compose.load.place import Path
from dockyard.compose.load.printed import parse_float, parse_integer
from dockyard.compose.load.schema.kinds import Kind, Number, Truth
from dockyard.serving.extension.kinds import Group, Property, kind_of, seconds
from dockyard.serving.extension.properties import BLOCK

Values = dict[str, Any]
Wrong = tuple[Path, str, str | None]
"""Where, what, and a hint."""

_KIND: Final = kind_of(BLOCK)
_TRUTHS: Final = {"true": True, "false": False}


def written(block: Any) -> Any:
    """What a file says, with what variables left as texts made the numbers that they should be."""
    return _cast(BLOCK, block)


def faults(block: Any, path: Path) -> Iterator[Wrong]:
    """What is wrong with the form of a block; see :func:`written`."""
    found = False
    for each in wrongs(_KIND, block, path):
        found = True
        yield each
    if not found:
        yield from _unfit(BLOCK, block, path)


def read(block: Values) -> Values:
    """A block without faults, with only what it gives."""
    return _read(BLOCK, block)


def _cast(of: Kind | Group, value: Any) -> Any:
    if isinstance(of, Group) and isinstance(value, dict):
        return {name: _cast_property(of.properties.get(name), each) for name, each in value.items()}
    if isinstance(value, str) and isinstance(of, Number):
        number = parse_integer(value) if of.whole else parse_float(value)
        return value if number is None else number
    if isinstance(value, str) and isinstance(of, Truth):
        return _TRUTHS.get(value.lower(), value)
    return value


def _cast_property(one: Property | None, value: Any) -> Any:
    if one is None:
        return value
    spelt = one.digits or one.read is seconds  # so that 30 is told to be no duration
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if spelt and is_whole else _cast(one.of, value)


def _unfit(group: Group, values: Values, path: Path) -> Iterator[Wrong]:
    """What has the right form, but can't be."""
    for name, value in values.items():
        one = group.properties[name]
        if isinstance(one.of, Group):
            yield from _unfit(one.of, value, (*path, name))
        elif one.read is not None:
            try:
                one.read(value)
            except Unfit as error:
                yield (*path, name), error.message, error.hint


def _read(group: Group, values: Values) -> Values:
    return {name: _value(group.properties[name], value) for name, value in values.items()}


def _value(one: Property, value: Any) -> Any:
    if isinstance(one.of, Group):
        return _read(one.of, value)
    if isinstance(one.of, Number):
        return int(value) if one.of.whole else float(value)
    return value if one.read is None else one.read(value)

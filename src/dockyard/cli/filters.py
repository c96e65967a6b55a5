"""What values of ``--filter`` mean, the same for all kinds of objects. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dockyard.cli.moments import nanoseconds
from dockyard.errors import InvalidInput

_TRUTHS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def truth(key: str, value: str) -> bool:
    """The truth value of ``KEY=VALUE``.

    Raises:
        InvalidInput: it is none.
    """
    found = _TRUTHS.get(value.lower())
    if found is None:
        raise InvalidInput(f"invalid filter '{key}={value}'", hint="true or false")
    return found


def has_label(labels: Mapping[str, str], text: str) -> bool:
    """True where there is the label ``KEY``, or ``KEY=VALUE``."""
    name, equals, value = text.partition("=")
    return name in labels and (not equals or labels[name] == value)


def matches(pattern: str, name: str) -> bool:
    """True where the regular expression is found in the name; as plain text where it is none."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return pattern in name


def until(filters: Sequence[tuple[str, str]], now: int) -> int | None:
    """The moment that the last ``until`` means; nanoseconds since 1970, as ``now``."""
    values = [value for key, value in filters if key == "until"]
    return nanoseconds(values[-1], now) if values else None

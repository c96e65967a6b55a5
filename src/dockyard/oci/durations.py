"""Durations as Go writes them, hence Docker's flags, Dockerfiles and documents. Pure."""

from __future__ import annotations

import re
from typing import Final

_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter, which Go accepts too
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(
    r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(" + "|".join(_NANOSECONDS) + ")"
)
_WHOLE: Final = re.compile(rf"([-+]?)(0|(?:{_PART.pattern})+)")
_SECOND: Final = _NANOSECONDS["s"]
_PRINTED: Final = ((_SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
LONGEST: Final = 2**63 - 1
"""Nanoseconds that Go's type holds."""


def parse_go_duration(text: str) -> int | None:
    """Nanoseconds of ``1m30s``, ``1.5h``, ``-5ms`` or ``0``; ``None`` for what is no duration.

    The result may be beyond :data:`LONGEST`, which Go refuses.
    """
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    total = sum(scaled(number, _NANOSECONDS[unit]) for number, unit in _PART.findall(match[2]))
    return -total if match[1] == "-" else total


def scaled(number: str, unit: int) -> int:
    """A decimal number times ``unit``, exact where a float would lose digits, rounded down."""
    whole, _, fraction = number.partition(".")
    denominator = int("1" + "0" * len(fraction))
    return int(whole or "0") * unit + int(fraction or "0") * unit // denominator


def go_duration(nanoseconds: int) -> str:
    """Nanoseconds as ``time.Duration`` prints them: ``1m30s``, ``500ms``, ``0s``."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _SECOND:
        unit, name = next(each for each in _PRINTED if nanoseconds >= each[0])
        return _fraction(nanoseconds, unit) + name
    minutes, rest = divmod(nanoseconds, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_fraction(rest, _SECOND)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _fraction(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)

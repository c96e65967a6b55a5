"""The notations of durations, sizes and truth values in flags (those of Go and Docker)."""

from __future__ import annotations

import re
from typing import Final

from dockyard.build.dockerfile.source import invalid

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
_MAX_NANOSECONDS: Final = 2**63 - 1
_NUMBER: Final = r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"
_DURATION_PART: Final = re.compile(_NUMBER + "(" + "|".join(_NANOSECONDS) + ")")
_DURATION: Final = re.compile(rf"([-+]?)(0|(?:{_DURATION_PART.pattern})+)")
_SIZE: Final = re.compile(rf"{_NUMBER} ?(?:([kmgtp])i?)?b?", re.IGNORECASE)
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as ``1m30s``, ``1.5h``, ``-5ms`` or ``0``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise invalid(f'invalid duration "{text}"', "write it as in 30s, 1m30s or 500ms")
    parts = _DURATION_PART.findall(match[2])
    total = sum(_scaled(number, _NANOSECONDS[unit]) for number, unit in parts)
    if total > _MAX_NANOSECONDS:
        raise invalid(f'duration "{text}" is too long')
    return -total if match[1] == "-" else total


def _scaled(number: str, unit: int) -> int:
    """``number`` times ``unit``, exact where a float would lose digits, rounded down."""
    whole, _, fraction = number.partition(".")
    denominator = int("1" + "0" * len(fraction))
    return int(whole or "0") * unit + int(fraction or "0") * unit // denominator


def parse_size(text: str) -> int:
    """Bytes of a size such as ``512``, ``64k``, ``1.5GiB``; every unit is a power of 1024."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise invalid(f'invalid size "{text}"', "write it as in 64m or 1g")
    exponent = " kmgtp".index(match[2].lower()) if match[2] else 0
    return _scaled(match[1], 1024**exponent)


def parse_bool(text: str) -> bool:
    """The truth value of ``1``, ``true``, ``0``, ``False`` and their likes."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise invalid(f'invalid boolean "{text}"', "write true or false")

"""The notations of durations, sizes and truth values in flags (those of Go and Docker)."""

from __future__ import annotations

import re
from typing import Final

from dockyard.build.dockerfile.source import invalid
from dockyard.oci.booleans import parse_go_boolean
from dockyard.oci.durations import LONGEST, parse_go_duration, scaled

_NUMBER: Final = r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"
_SIZE: Final = re.compile(rf"{_NUMBER} ?(?:([kmgtp])i?)?b?", re.IGNORECASE)


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as ``1m30s``, ``1.5h``, ``-5ms`` or ``0``."""
    total = parse_go_duration(text)
    if total is None:
        raise invalid(f'invalid duration "{text}"', "write it as in 30s, 1m30s or 500ms")
    if abs(total) > LONGEST:
        raise invalid(
            f'duration "{text}" is too long',
            hint="at most 292 years; a duration is written as 30s or 1h",
        )
    return total


def parse_size(text: str) -> int:
    """Bytes of a size such as ``512``, ``64k``, ``1.5GiB``; every unit is a power of 1024."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise invalid(f'invalid size "{text}"', "write it as in 64m or 1g")
    exponent = " kmgtp".index(match[2].lower()) if match[2] else 0
    return scaled(match[1], 1024**exponent)


def parse_bool(text: str) -> bool:
    """The truth value of ``1``, ``true``, ``0``, ``False`` and their likes."""
    value = parse_go_boolean(text)
    if value is None:
        raise invalid(f'invalid boolean "{text}"', "write true or false")
    return value

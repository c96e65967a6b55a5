"""Numbers with units, as a normalised tree has them: texts there, numbers here."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {
    "h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1,
}  # fmt: skip
_PART = re.compile(r"([0-9]*\.?[0-9]+)(h|ms|us|µs|ns|m|s)")


class Duration(int):
    """Nanoseconds; ``1m30s`` in a tree."""


class Size(int):
    """Bytes; a text of digits in a tree."""


class Mode(int):
    """Permission bits; a text of octal digits in a tree."""


def decode(kind: type, value: Any) -> Any:
    """Makes quantities of texts, for :func:`msgspec.convert`.

    Raises:
        ValueError: it is no such text.
    """
    if kind is Duration and isinstance(value, str):
        return _duration(value)
    if kind is Size:
        return Size(int(value))
    if kind is Mode:
        return Mode(int(value, 8) if isinstance(value, str) else value)
    raise ValueError(f"not a {kind.__name__}: {value!r}")


def _duration(text: str) -> Duration:
    found = _PART.findall(text)
    if "".join(number + unit for number, unit in found) != text.lstrip("-"):
        raise ValueError(f"not a duration: {text!r}")
    total = sum(float(number) * _UNITS[unit] for number, unit in found)
    return Duration(-total if text.startswith("-") else total)

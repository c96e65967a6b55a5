"""Values as Go prints and reads them, since the specification leaves both to its implementation."""

from __future__ import annotations

import math
import re
import struct
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

_FLOAT: Final = re.compile(
    r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE
)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_MOST: Final = 2**63 - 1
_LONGEST: Final = 6
_TRUTHS: Final = {
    **dict.fromkeys(("true", "y", "yes", "on"), True),
    **dict.fromkeys(("false", "n", "no", "off"), False),
}


def printed(value: Any) -> str:
    """A scalar as ``fmt.Sprint`` has it: ``1e+06`` for a million that isn't whole by its kind."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return general(value)
    if isinstance(value, list):
        return f"[{' '.join(printed(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{key}:{printed(item)}" for key, item in sorted(value.items()))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, datetime):
        zone = value.strftime("%z")
        return (
            f"{value:%Y-%m-%d %H:%M:%S}{_fraction(value)} {zone} {zone if _away(value) else 'UTC'}"
        )
    return str(value)


def moment(value: datetime) -> str:
    """A point in time as Go's JSON and YAML have it: ``2024-01-02T10:00:00.25+02:00``."""
    zone = value.isoformat()[-6:] if _away(value) else "Z"
    return f"{value:%Y-%m-%dT%H:%M:%S}{_fraction(value)}{zone}"


def _fraction(value: datetime) -> str:
    return f".{value.microsecond:06d}".rstrip("0").rstrip(".")


def _away(value: datetime) -> bool:
    """Whether it is told by another clock than UTC's."""
    return bool(value.utcoffset())


def general(value: float) -> str:
    """The shortest digits that say a number, with an exponent below 1e-4 and from 1e+06 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    sign, digits, point = _digits(value)
    exponent = point - 1
    if exponent < -4 or exponent >= _LONGEST:
        return sign + _scientific(digits, exponent)
    return sign + _fixed(digits, point)


def plain(value: float) -> str:
    """A number as Go's JSON has it: ``2``, ``0.1``, ``1e-07`` as ``1e-7``."""
    sign, digits, point = _digits(value)
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        text = _scientific(digits, point - 1)
        return sign + re.sub(r"e-0([0-9])$", r"e-\1", text)
    return sign + _fixed(digits, point)


def _digits(value: float) -> tuple[str, str, int]:
    """Sign, significant digits, and how many of them are before the point."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    point = len(text) + int(exponent)
    text = text.rstrip("0")
    return "-" if sign else "", text or "0", point if text else 1


def _scientific(digits: str, exponent: int) -> str:
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _fixed(digits: str, point: int) -> str:
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def single(value: float) -> float:
    """A number of single precision, by the fewest digits that say it: 0.1 stays 0.1.

    Raises:
        OverflowError: it is too large.
    """
    if not math.isfinite(value):
        return value
    kept = _kept(value)
    for precision in range(1, 10):
        short = float(f"{kept:.{precision}g}")
        if _kept(short) == kept:
            return short
    return kept


def _kept(value: float) -> float:
    kept: float = struct.unpack("f", struct.pack("f", value))[0]
    return kept


def parse_float(text: str) -> float | None:
    """A number as Go reads it; ``None`` for what is none."""
    return float(text) if _FLOAT.fullmatch(text) else None


def parse_integer(text: str) -> int | None:
    """A decimal whole number that 64 bits hold; ``None`` for what is none."""
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -_MOST - 1 <= value <= _MOST else None


def parse_truth(text: str) -> bool | None:
    """``true``, ``yes``, ``on`` and their opposites, in any case; ``None`` for other words."""
    return _TRUTHS.get(text.lower())


def clean_path(path: str) -> str:
    """A path without ``.``, ``..`` where they go away, and double slashes; never empty."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not rooted:
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."

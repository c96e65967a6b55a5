"""How single values are read."""

from __future__ import annotations

import re
from typing import Any, Final

from dockyard.compose.load.forms.kinds import Scalar, Unfit
from dockyard.compose.load.printed import parse_float, parse_integer, parse_truth, printed, single
from dockyard.oci.durations import LONGEST, go_duration, parse_go_duration, scaled

_SIZE: Final = re.compile(
    r"([+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?) ?(?:(b)|([kmgtp])(?:i?b)?)?",
    re.IGNORECASE,
)
_NUMBER: Final = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_LONG_PART: Final = re.compile(rf"({_NUMBER})([dw])")
_DAYS: Final = {"d": 1, "w": 7}
_DAY: Final = 24 * 3600 * 10**9
_OCTAL: Final = re.compile(r"[-+]?[0-7]+")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unfit(f"must be a text, not {printed(value)}", "put it between quotes")


def _printed(value: Any) -> str:
    return "" if value is None else printed(value)


def _truth(value: Any) -> bool:
    if value is None:
        return False
    truth = parse_truth(value) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise Unfit(f"{value!r} is neither true nor false")
    return truth


def whole_number(value: Any, least: int, most: int) -> int:
    """A whole number within bounds; of others the fraction goes.

    Raises:
        Unfit: it is none.
    """
    number = parse_integer(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Unfit(f"{value!r} is no whole number")
    try:
        whole = int(number)
    except (ValueError, OverflowError):
        raise Unfit(f"{value!r} is no whole number") from None
    if not least <= whole <= most:
        raise Unfit(f"{whole} isn't between {least} and {most}")
    return whole


def _signed(value: Any) -> int:
    return 0 if value is None else whole_number(value, -(2**63), 2**63 - 1)


def _unsigned(bits: int) -> Scalar:
    def read(value: Any) -> int:
        if isinstance(value, str):
            raise Unfit(f"must be a number, not the text {value!r}", "leave out the quotes")
        return 0 if value is None else whole_number(value, 0, 2**bits - 1)

    return Scalar(read=read, empty=0)


def _single(value: Any) -> float:
    number = parse_float(value) if isinstance(value, str) else 0.0 if value is None else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Unfit(f"{value!r} is no number")
    try:
        return single(float(number))
    except OverflowError:
        raise Unfit(f"{value} is too large") from None


def parse_duration(text: str) -> int | None:
    """Nanoseconds of ``1m30s``, and of ``1d``, ``2w``; ``None`` for what is no duration."""
    long = _LONG_PART.findall(text)
    total = sum(scaled(number, _DAYS[unit] * _DAY) for number, unit in long)
    rest = _LONG_PART.sub("", text)
    if long and rest in {"", "+", "-"}:
        return -total if rest == "-" else total
    short = parse_go_duration(rest)
    if short is None or (long and rest.lstrip("+-") == "0"):
        return None
    return short - total if rest.startswith("-") else short + total


def print_duration(nanoseconds: int) -> str:
    """Nanoseconds as in ``1m30s``; a minus before those below zero."""
    if nanoseconds < 0:
        return f"-{go_duration(-nanoseconds)}"
    return go_duration(nanoseconds)


def _duration(value: Any) -> str:
    if value is None:
        return "0s"
    found = parse_duration(printed(value))
    if found is None:
        raise Unfit(f"{printed(value)!r} is no duration", "write it as in 30s, 1m30s or 500ms")
    if abs(found) > LONGEST:
        raise Unfit(f"{printed(value)!r} is too long", "292 years are the most")
    return print_duration(found)


def _size(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return "0"
    if isinstance(value, int):
        return str(whole_number(value, -(2**63), 2**63 - 1))
    match = _SIZE.fullmatch(value)
    if match is None:
        raise Unfit(f"{value!r} is no size", "write it as in 64m, 512kb or 1.5g")
    number, _, unit = match.groups()
    size = float(number) * 1024 ** (" kmgtp".index(unit.lower()) if unit else 0)
    return str(whole_number(size, 0, 2**63 - 1))


def _mode(value: Any) -> str:
    if isinstance(value, str) and _OCTAL.fullmatch(value):
        return _octal(int(value, 8))
    if isinstance(value, int) and not isinstance(value, bool):
        return _octal(value)
    raise Unfit(f"{value!r} is no mode", "write it as in 0440")


def _octal(mode: int) -> str:
    return f"0{'-' if mode < 0 else ''}{abs(mode):o}"


def _count(value: Any) -> int:
    if isinstance(value, str) and value.lower() == "all":
        return -1
    if isinstance(value, float):
        raise Unfit(f"{printed(value)} is no whole number")
    return _signed(value)


TEXT: Final = Scalar(read=_text, empty="")
PRINTED: Final = Scalar(read=_printed, empty="")
TRUTH: Final = Scalar(read=_truth, empty=False)
SIGNED: Final = Scalar(read=_signed, empty=0)
UNSIGNED: Final = _unsigned(64)
UNSIGNED_32: Final = _unsigned(32)
UNSIGNED_16: Final = _unsigned(16)
SINGLE: Final = Scalar(read=_single, empty=0.0)
DURATION: Final = Scalar(read=_duration, empty="0s")
SIZE: Final = Scalar(read=_size, empty="0")
MODE: Final = Scalar(read=_mode, empty=None)
COUNT: Final = Scalar(read=_count, empty=0)

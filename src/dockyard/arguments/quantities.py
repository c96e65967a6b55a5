"""Sizes, numbers of processors, limits."""

from __future__ import annotations

from dockyard.arguments.errors import invalid
from dockyard.containers.options import Ulimit
from dockyard.decoding import natural
from dockyard.oci.durations import LONGEST, parse_go_duration

_MOST_CPUS = 1 << 20
_POWERS = {unit: power for power, unit in enumerate("kmgtp", start=1)}
_TOO_MANY_BYTES = 1 << 63
"""The kernel, and the runtimes, count no further."""
_SIZE_SUFFIXES = {"": 0, "b": 0} | {
    unit + tail: power for unit, power in _POWERS.items() for tail in ("", "b", "i", "ib")
}


def parse_size(text: str) -> int:
    """Bytes of ``512``, ``64k``, ``1.5g`` or ``2GiB``; every unit is a power of 1024."""
    number = text.lower().rstrip("bikmgtp ")
    power = _SIZE_SUFFIXES.get(text.lower()[len(number) :].strip())
    if power is None or not _is_decimal(number):
        raise invalid(f"invalid size: '{text}'", "a number and b, k, m, g or t, such as 512m")
    size = float(number) * 1024**power
    if size >= _TOO_MANY_BYTES:
        raise invalid(f"invalid size: '{text}' is out of range", "less than 8388608t (2^63 bytes)")
    return int(size)


def parse_swap(text: str) -> int:
    """As :func:`parse_size`, or -1 for as much as there is."""
    return -1 if text == "-1" else parse_size(text)


def parse_cpus(text: str) -> float | None:
    """A number of processors such as ``0.5``; ``None`` for 0, which sets no limit."""
    if not _is_decimal(text) or float(text) > _MOST_CPUS:
        raise invalid(f"failed to parse {text} as a rational number", "such as 0.5 or 2")
    return float(text) or None


def parse_duration(text: str) -> int:
    """Nanoseconds of ``1m30s``, ``1.5h``, ``500ms`` or ``0``, in Go's notation."""
    total = None if text.startswith(("-", "+")) else parse_go_duration(text)
    if total is None or total > LONGEST:
        raise invalid(f'time: invalid duration "{text}"', "such as 30s, 1m30s or 500ms")
    return total


def parse_ulimit(text: str) -> Ulimit:
    """``NAME=SOFT[:HARD]``; -1 is unlimited."""
    name, equals, values = text.partition("=")
    soft, colon, hard = values.partition(":")
    lowest, highest = _limit(soft), _limit(hard if colon else soft)
    if not (name and equals) or lowest is None or highest is None:
        raise invalid(f"invalid ulimit argument: {text}", "such as nofile=1024:2048")
    return Ulimit(name, lowest, highest)


def _is_decimal(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal()


def _limit(text: str) -> int | None:
    return -1 if text == "-1" else natural(text)

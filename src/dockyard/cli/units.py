"""Sizes, durations and times as Docker prints them. Pure."""

from __future__ import annotations

import time

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
NANOSECONDS = 10**9
NEVER = "0001-01-01T00:00:00Z"
"""How Docker writes a time that has not come."""


def decimal_size(size: int, digits: int = 3) -> str:
    """Three digits in powers of 1000: ``239MB``."""
    return _scaled(size, 1000, _DECIMAL, digits)


def binary_size(size: int) -> str:
    """Four digits in powers of 1024: ``15.52MiB``."""
    return _scaled(size, 1024, _BINARY, 4)


def _scaled(size: int, base: int, units: tuple[str, ...], digits: int) -> str:
    value, position = float(size), 0
    while round(value, 3) >= base and position < len(units) - 1:
        value /= base
        position += 1
    text = f"{value:.{digits}g}"
    if "e" in text:  # 999.7 has no three digits
        text = f"{value:.0f}"
    return f"{text}{units[position]}"


def duration(seconds: float) -> str:
    """A length of time in words: ``3 minutes``, ``About an hour``."""
    whole = int(seconds)
    hours = int(seconds / _HOUR + 0.5)
    steps = (
        (whole < 1, "Less than a second"),
        (whole == 1, "1 second"),
        (whole < _MINUTE, f"{whole} seconds"),
        (whole < 2 * _MINUTE, "About a minute"),
        (whole < _HOUR, f"{whole // _MINUTE} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 14, f"{hours // 24} days"),
        (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 365 * 2, f"{hours // 24 // 30} months"),
    )
    return next((words for fits, words in steps if fits), f"{whole // _DAY // 365} years")


def since(moment: int, now: int | None = None) -> str:
    """How long ago a moment (nanoseconds since 1970) was: ``2 hours ago``."""
    return f"{elapsed(moment, now)} ago"


def elapsed(moment: int, now: int | None = None) -> str:
    """The words for the time since a moment (nanoseconds since 1970)."""
    return duration(((time.time_ns() if now is None else now) - moment) / NANOSECONDS)


def timestamp(moment: int) -> str:
    """A moment (nanoseconds since 1970) in RFC 3339 with nine digits; 0 is never."""
    if moment == 0:
        return NEVER
    seconds, rest = divmod(moment, NANOSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def local_time(moment: int) -> str:
    """``2026-01-31 12:00:00 +0100 CET``, for a moment in nanoseconds since 1970."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(moment // NANOSECONDS))


def rfc3339_local(moment: int) -> str:
    """``2026-01-31T12:00:00+01:00``, for a moment in nanoseconds since 1970."""
    local = time.localtime(moment // NANOSECONDS)
    zone = time.strftime("%z", local)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f"{zone[:3]}:{zone[3:]}"

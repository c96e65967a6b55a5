"""Moments as ``logs --since`` takes them. Pure."""

from __future__ import annotations

from dockyard.cli.units import NANOSECONDS, timestamp
from dockyard.containers.logs import to_utc
from dockyard.errors import InvalidInput

_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_moment(text: str, now: int) -> str:
    """A moment in RFC 3339, in UTC with nine digits: such texts compare as times.

    Args:
        text: ``42m`` (so long ago), seconds since 1970, or a date with or without time and zone.
        now: nanoseconds since 1970.

    Raises:
        InvalidInput: it is none of these.
    """
    seconds, dot, fraction = text.partition(".")
    if seconds.isdecimal() and (not dot or fraction.isdecimal()):
        return timestamp(int(seconds) * NANOSECONDS + int(f"{fraction:0<9.9}"))
    length = parse_duration(text)
    if length is not None:
        return timestamp(now - int(length * NANOSECONDS))
    try:
        return to_utc(text)
    except ValueError:
        raise InvalidInput(
            f'invalid value for a time: failed to parse "{text}"',
            hint="such as 42m, 2026-01-31T12:00:00Z or seconds since 1970",
        ) from None


def nanoseconds(text: str, now: int) -> int:
    """A moment in nanoseconds since 1970; see :func:`parse_moment`."""
    from datetime import UTC, datetime

    whole, _, fraction = parse_moment(text, now).removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return int(seconds) * NANOSECONDS + int(fraction)


def parse_duration(text: str) -> float | None:
    """Seconds of ``1h30m`` or ``1.5s``; ``None`` for what is no duration."""
    total, rest = 0.0, text
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = rest[: len(rest) - len(rest.lstrip("abcdefghijklmnopqrstuvwxyz"))]
        rest = rest[len(unit) :]
        if unit not in _SECONDS or not number.replace(".", "", 1).isdecimal():
            return None
        total += float(number) * _SECONDS[unit]
    return total if text else None

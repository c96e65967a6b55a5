"""Values as Go prints them, which Docker's history shows. Pure."""

from __future__ import annotations

_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
_ESCAPES = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 39: r"\'",
            92: r"\\"}  # fmt: skip
_LAST_RUNE = 0x10FFFF


def duration(nanoseconds: int) -> str:
    """Nanoseconds as ``time.Duration`` prints them: ``1m30s``, ``500ms``, ``0s``."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _UNITS[0][0]:
        unit, name = next(each for each in _UNITS if nanoseconds >= each[0])
        return _fraction(nanoseconds, unit) + name
    minutes, rest = divmod(nanoseconds, 60 * _UNITS[0][0])
    hours, minutes = divmod(minutes, 60)
    text = f"{_fraction(rest, _UNITS[0][0])}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def quoted_rune(number: int) -> str:
    """A number as ``%q`` prints it, without the quotes."""
    if number in _ESCAPES:
        return _ESCAPES[number]
    if number > _LAST_RUNE:
        return "\ufffd"
    if chr(number).isprintable():
        return chr(number)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _fraction(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)

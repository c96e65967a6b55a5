"""Values as Go prints them, which Docker's history shows. Pure."""

from __future__ import annotations

_ESCAPES = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 39: r"\'",
            92: r"\\"}  # fmt: skip
_LAST_RUNE = 0x10FFFF


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

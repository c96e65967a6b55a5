"""Truth values as Go reads them (strconv.ParseBool), hence Docker's flags and options. Pure."""

from __future__ import annotations

_WORDS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def parse_go_boolean(text: str) -> bool | None:
    """What the word says; ``None`` where it is none of Go's."""
    return _WORDS.get(text)

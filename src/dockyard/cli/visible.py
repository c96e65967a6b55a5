"""Text of images, containers and servers on a terminal: nothing in it may control the terminal.

Names, labels, paths and messages may hold escape sequences that retitle a window, move the cursor
over what was printed before, or have the terminal answer as if somebody typed. Pure.
"""

from __future__ import annotations

_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""Separators of lines, and what turns the direction of writing, so that names look like others."""
_CONTROLS = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *_DIRECTIONS)
}
_WHITE = {ord("\t"): "\\t", ord("\n"): "\\n"}


def visible(text: str) -> str:
    """The text with what controls a terminal written as ``\\x1b``; lines and tabs stay."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def on_one_line(text: str) -> str:
    """As :func:`visible`, with tabs and ends of lines written as ``\\t`` and ``\\n`` too."""
    return text if text.isprintable() else visible(text).translate(_WHITE)

"""Sentences in lines that fit a terminal. Pure."""

from __future__ import annotations

import textwrap


def paragraph(text: str, width: int | None, indent: int, *, end: str = "") -> str:
    """The text in lines of at most ``width`` columns, broken between words.

    Args:
        width: columns of the terminal; ``None`` leaves it one line.
        indent: columns that are taken before the first line, and left free before the others.
        end: what each line but the last ends with, such as a backslash in a command.
    """
    if width is None:
        return text
    room = max(width - indent - len(end), 1)
    lines = textwrap.wrap(text, room, break_on_hyphens=False)
    return f"{end}\n{' ' * indent}".join(lines)

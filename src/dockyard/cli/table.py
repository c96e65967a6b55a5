"""Tables in Docker's style: columns three spaces apart, the last one not padded. Pure.

Cells may hold what an image or a container says; they can't control a terminal or break the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.cli.visible import on_one_line

_MIN_COLUMN = 10
_GAP = 3
_MIN_SHRUNK = 8


def table(
    rows: Sequence[Sequence[str]], width: int | None = None, *, least: int = _MIN_COLUMN
) -> str:
    """The rows as lines of text.

    Args:
        width: columns of the terminal; the widest cells are cut until a line fits. ``None`` cuts
            nothing.
        least: characters of a column with its gap.
    """
    if not rows:
        return ""
    rows = [[on_one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    if width is not None:
        widths = _fit(widths, [len(cell) for cell in rows[0]], width)
    return "".join(_line(row, widths, least) + "\n" for row in rows)


def ellipsis(text: str, limit: int) -> str:
    """The text in at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _line(row: Sequence[str], widths: Sequence[int], least: int) -> str:
    *cells, last = (ellipsis(cell, width) for cell, width in zip(row, widths, strict=True))
    padded = (
        cell.ljust(max(width + _GAP, least)) for cell, width in zip(cells, widths, strict=False)
    )
    return "".join(padded) + last


def _fit(widths: list[int], least: list[int], total: int) -> list[int]:
    """Narrows the widest columns, never below their titles, until the sum fits."""
    fitted = list(widths)
    limits = [max(title, _MIN_SHRUNK) for title in least]
    while _sum(fitted) > total:
        spare = [width - limit for width, limit in zip(fitted, limits, strict=True)]
        if max(spare) <= 0:
            break
        widest = max(range(len(fitted)), key=lambda i: (spare[i] > 0, fitted[i]))
        fitted[widest] -= 1
    return fitted


def _sum(widths: Sequence[int]) -> int:
    return sum(max(width + _GAP, _MIN_COLUMN) for width in widths[:-1]) + widths[-1]

"""Tables in Docker's style: columns three spaces apart, the last one not padded. Pure.

Cells may hold what an image or a container says; they can't control a terminal or break the table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from dockyard.cli.visible import on_one_line

_MIN_COLUMN = 10
_GAP = 3
_TIGHT = 1
_MIN_SHRUNK = 8


def table(
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    *,
    least: int = _MIN_COLUMN,
    gap: int = _GAP,
    first: Collection[int] = (),
) -> str:
    """The rows as lines of text.

    Args:
        width: columns of the terminal; the widest cells are cut until a line fits, and columns
            stand closer together where that isn't enough. ``None`` cuts nothing.
        least: characters of a column with its gap.
        gap: characters between two columns at least.
        first: numbers of the columns that are cut before any other is, such as names beside
            quantities; none: all alike.
    """
    if not rows:
        return ""
    rows = [[on_one_line(cell) for cell in row] for row in rows]
    shape = _Shape([max(map(len, column)) for column in zip(*rows, strict=True)], gap, least)
    if width is not None:
        shape = _fitted(shape, [len(cell) for cell in rows[0]], width, first)
    return "".join(_line(row, shape) + "\n" for row in rows)


def whole(
    rows: Sequence[Sequence[str]], width: int | None, spare: Sequence[int], *,
    least: int = _MIN_COLUMN,
) -> str:  # fmt: skip
    """The rows as lines of text in which only spare columns are cut; the other ones stay whole.

    Args:
        spare: numbers of the columns that are cut where it is narrow, and left out one after
            another where that isn't enough. What is too long even so is longer than the terminal.
    """
    if width is None or not rows:
        return table(rows, width, least=least)
    cells = [[on_one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def needs(kept: Sequence[int]) -> int:
        cut = (min(widths[one], _MIN_SHRUNK) if one in spare else widths[one] for one in kept)
        return sum(cut) + _TIGHT * (len(kept) - 1)

    kept = list(range(len(widths)))
    for gone in spare:
        if needs(kept) <= width:
            break
        kept.remove(gone)
    shown = [[row[column] for column in kept] for row in cells]
    first = [place for place, column in enumerate(kept) if column in spare]
    if first:
        return table(shown, width, least=least, first=first)
    if sum(max(widths[one] + _GAP, least) for one in kept) <= width + _GAP:
        return table(shown, least=least)
    return table(shown, least=0, gap=_TIGHT)


def ellipsis(text: str, limit: int) -> str:
    """The text in at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


class _Shape(NamedTuple):
    """How a table is laid out: characters of each column, of what is between, of both at least."""

    widths: Sequence[int]
    gap: int
    least: int

    @property
    def places(self) -> list[int]:
        """Characters of each column with its gap; the last one has none."""
        *others, last = self.widths
        return [*(max(width + self.gap, self.least) for width in others), last]


def _line(row: Sequence[str], shape: _Shape) -> str:
    *cells, last = (ellipsis(cell, width) for cell, width in zip(row, shape.widths, strict=True))
    padded = (cell.ljust(place) for cell, place in zip(cells, shape.places, strict=False))
    return "".join(padded) + last


def _fitted(shape: _Shape, titles: Sequence[int], total: int, first: Collection[int]) -> _Shape:
    """The shape that fits and looks best: with gaps, without, and at last with titles cut too."""
    limits = [max(title, _MIN_SHRUNK) for title in titles]
    if first:
        limits = [_MIN_SHRUNK if column in first else width
                  for column, width in enumerate(shape.widths)]  # fmt: skip
    tight = shape._replace(gap=_TIGHT, least=0)
    for each, lower in ((shape, limits), (tight, limits), (tight, [1] * len(titles))):
        shape = _narrowed(each, lower, total)
        if sum(shape.places) <= total:
            break
    return shape


def _narrowed(shape: _Shape, limits: Sequence[int], total: int) -> _Shape:
    """Takes from the widest columns that are above their limits, until the sum fits."""
    widths = list(shape.widths)
    while sum(shape._replace(widths=widths).places) > total:
        spare = [column for column, limit in enumerate(limits) if widths[column] > limit]
        if not spare:
            break
        widths[max(spare, key=lambda column: widths[column])] -= 1
    return shape._replace(widths=widths)

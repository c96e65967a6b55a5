"""Figures over time as a picture: an SVG document of panels above one time axis. Pure.

Made for pages that are light or dark: nothing is painted behind it, and its greys follow what the
reader prefers. The same figures give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import msgspec

WIDTH = 860
_LEFT, _RIGHT, _TOP, _FOOT = 56, 24, 40, 34
_HEADER, _GAP, _ROW = 24, 14, 16
_LETTER = 6.7
"""Pixels that a letter usually takes."""
_PLOT = WIDTH - _LEFT - _RIGHT
_COLOURS = ("#2f81d6", "#e08a1e", "#2da160", "#d64545", "#8e6bd0", "#7d8590")
_DISTANCES = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip
"""Seconds between marks of the time axis, of which the first that gives few enough is taken."""
_MOST_MARKS = 12
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#59636e}"
    ".t{font-size:15px;font-weight:600;fill:#24292f}.n{font-weight:600}"
    ".g{stroke:#8b949e;stroke-opacity:.25}.a{stroke:#8b949e}"
    ".m{stroke:#8b949e;stroke-dasharray:3 3}"
    "@media(prefers-color-scheme:dark){text{fill:#9aa4af}.t{fill:#e6edf3}}"
)


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a panel."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Seconds and values, oldest first."""
    colour: str = ""
    """As CSS has it; empty for the next one that the panel hasn't used."""
    steps: bool = False
    """A value holds until the next one, as counts do; else points are joined."""
    fill: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one unit, on a scale that begins at 0."""

    label: str
    """What is measured, with its unit."""
    series: tuple[Series, ...]
    height: int = 110


class Mark(msgspec.Struct, frozen=True):
    """Something that happened, as a dashed line through all panels."""

    at: float
    text: str


def draw(
    title: str, panels: Sequence[Panel], *, begin: float, end: float,
    marks: Sequence[Mark] = (), clock: bool = False,
) -> str:  # fmt: skip
    """The picture of some panels, one below the other.

    Args:
        begin: seconds, the left edge; points outside are left out.
        clock: seconds are those of a day, shown as ``06:00``; else they count from ``begin``, as
            ``1:30``, ``30 min`` or ``6 h``.
    """
    axis = _Axis(begin, max(end, begin + 1.0))
    shown = sorted((one for one in marks if axis.begin <= one.at <= axis.end), key=_moment_of)
    rows = _rows(shown, axis)
    top = _TOP + _ROW * (max(rows, default=-1) + 1)
    parts, bottom = [], top
    for panel in panels:
        parts += _panel(panel, axis, bottom + _HEADER)
        bottom += _HEADER + panel.height + _GAP
    bottom -= _GAP
    height = bottom + _FOOT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text class="t" x="{_LEFT}" y="22">{escape(title)}</text>',
        *_marks(shown, rows, axis, bottom),
        *parts,
        *_time(axis, bottom, clock=clock),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Axis(msgspec.Struct, frozen=True):
    begin: float
    end: float

    def x(self, at: float) -> float:
        return _LEFT + (at - self.begin) / (self.end - self.begin) * _PLOT


def _panel(panel: Panel, axis: _Axis, top: int) -> list[str]:
    bottom = top + panel.height
    series = [(one, _within(one, axis)) for one in panel.series]
    highest = max((value for _, points in series for _, value in points), default=0.0)
    distance = _nice(highest / 3)
    most = max(math.ceil(highest / distance - 1e-9), 1) * distance
    lines = [f'<text class="n" x="{_LEFT}" y="{top - 8}">{escape(panel.label)}</text>']
    for step in range(round(most / distance) + 1):
        y = bottom - step * distance / most * panel.height
        lines.append(f'<path class="g" d="M{_LEFT} {y:.1f}h{_PLOT}"/>')
        lines.append(
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{step * distance:g}</text>'
        )
    lines += _legend(panel, top - 8)
    for number, (one, points) in enumerate(series):
        pixels = [(axis.x(at), bottom - value / most * panel.height) for at, value in points]
        lines += _line(one, pixels, _colour(one, number), bottom)
    return lines


def _colour(series: Series, number: int) -> str:
    return escape(series.colour) or _COLOURS[number % len(_COLOURS)]


def _within(series: Series, axis: _Axis) -> list[tuple[float, float]]:
    """A step's value at the left edge is that of the last point before it, and the last one holds
    to the right edge."""
    inside = [point for point in series.points if axis.begin <= point[0] <= axis.end]
    if not series.steps:
        return inside
    before = [value for at, value in series.points if at < axis.begin][-1:]
    found = [(axis.begin, value) for value in before] + inside
    return [*found, (axis.end, found[-1][1])] if found else found


def _nice(distance: float) -> float:
    """The next larger of 1, 2 and 5 times a power of 10."""
    if distance <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(distance))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= distance - 1e-12)


def _legend(panel: Panel, y: int) -> list[str]:
    """From the right; as wide as letters usually are."""
    lines: list[str] = []
    x = float(WIDTH - _RIGHT)
    for number, series in reversed(list(enumerate(panel.series))):
        x -= _LETTER * len(series.name) + 4
        colour = _colour(series, number)
        lines.append(f'<path stroke="{colour}" stroke-width="3" d="M{x - 20:.1f} {y - 4}h14"/>')
        lines.append(f'<text x="{x:.1f}" y="{y}">{escape(series.name)}</text>')
        x -= 32
    return lines


def _line(
    series: Series, pixels: Sequence[tuple[float, float]], colour: str, bottom: int
) -> list[str]:
    points = list(_thinned(pixels))
    if not points:
        return []
    path = _path(points, steps=series.steps)
    lines = []
    if series.fill:
        area = f"{path}V{bottom}H{_short(points[0][0])}z"
        lines.append(f'<path fill="{colour}" fill-opacity=".15" d="{area}"/>')
    lines.append(f'<path fill="none" stroke="{colour}" stroke-width="1.5" d="{path}"/>')
    return lines


def _thinned(pixels: Sequence[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """Of the points in one column of pixels only those that can be seen: ends and extremes."""
    column: list[tuple[float, float]] = []
    for point in pixels:
        if column and int(point[0]) != int(column[0][0]):
            yield from _extremes(column)
            column = []
        column.append(point)
    yield from _extremes(column)


def _extremes(column: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(column) < 4:
        return column
    heights = [y for _, y in column]
    kept = {0, heights.index(min(heights)), heights.index(max(heights)), len(column) - 1}
    return [column[place] for place in sorted(kept)]


def _path(points: Sequence[tuple[float, float]], *, steps: bool) -> str:
    """Coordinates to a tenth of a pixel; what doesn't move isn't said."""
    x, y = map(_short, points[0])
    path, level, skipped = f"M{x} {y}", y, ""
    for place, point in enumerate(points[1:], 2):
        x, y = map(_short, point)
        if y == level and place < len(points):
            skipped = x
            continue
        if steps:
            path += f"H{x}" + (f"V{y}" if y != level else "")
        else:
            path += (f"H{skipped}" if skipped else "") + f"L{x} {y}"
        level, skipped = y, ""
    return path


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _moment_of(mark: Mark) -> float:
    return mark.at


def _extent(mark: Mark, axis: _Axis) -> tuple[float, float]:
    """Where its text begins and ends: to the right of its line, near the edge to the left."""
    x, length = axis.x(mark.at), _LETTER * len(mark.text)
    return (x, x + length) if x + length < WIDTH else (x - length, x)


def _rows(marks: Sequence[Mark], axis: _Axis) -> list[int]:
    """The row of each mark's text, so that none is over another; the first is the lowest."""
    ends: list[float] = []
    rows = []
    for mark in marks:
        begin, end = _extent(mark, axis)
        free = (row for row, taken in enumerate(ends) if taken + _LETTER < begin)
        row = next(free, len(ends))
        ends[row : row + 1] = [end]
        rows.append(row)
    return rows


def _marks(marks: Sequence[Mark], rows: Sequence[int], axis: _Axis, bottom: int) -> list[str]:
    lines = []
    base = _TOP + _ROW * (max(rows, default=0) + 1)
    for mark, row in zip(marks, rows, strict=True):
        x, y = axis.x(mark.at), base - 4 - _ROW * row
        begin, _ = _extent(mark, axis)
        anchor = "start" if begin == x else "end"
        lines.append(f'<path class="m" d="M{x:.1f} {y + 4}V{bottom}"/>')
        lines.append(f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(mark.text)}</text>')
    return lines


def _time(axis: _Axis, bottom: int, *, clock: bool) -> list[str]:
    length = axis.end - axis.begin
    distance = next((one for one in _DISTANCES if length / one <= _MOST_MARKS), _DISTANCES[-1])
    lines = [f'<path class="a" d="M{_LEFT} {bottom}h{_PLOT}"/>']
    origin = 0.0 if clock else axis.begin
    first = math.ceil((axis.begin - origin) / distance)
    for number in range(first, math.floor((axis.end - origin) / distance + 1e-9) + 1):
        at = number * distance
        x = axis.x(origin + at)
        lines.append(f'<path class="a" d="M{x:.1f} {bottom}v4"/>')
        lines.append(
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
            f"{_moment(at, distance, clock=clock)}</text>"
        )
    return lines


def _moment(at: float, distance: int, *, clock: bool) -> str:
    whole = round(at)
    if clock:
        return f"{whole // 3600:02}:{whole // 60 % 60:02}"
    if distance % 3600 == 0:
        return f"{whole // 3600} h"
    if distance % 60 == 0:
        return f"{whole // 60} min"
    return f"{whole // 60}:{whole % 60:02}"

"""Which bytes of a blob are here, and which parts are to be asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from dockyard.decoding import natural

PART_BYTES: Final = 16 << 20
"""What is asked for at once: large enough that a request's latency doesn't matter, small enough
that the beginning of a blob comes first."""
_LINE_BYTES: Final = 40
_NUMBER: Final = 19


class Range(msgspec.Struct, frozen=True, order=True):
    """Bytes from ``start`` up to ``end``, which is not among them."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same bytes in as few ranges as possible, in order."""
    found: list[Range] = []
    for each in sorted(ranges):
        if each.length <= 0:
            continue
        if found and each.start <= found[-1].end:
            found[-1] = Range(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def missing(size: int, done: Sequence[Range]) -> tuple[Range, ...]:
    """What is not among ``done``, which is :func:`merged`."""
    edges = [0, *(edge for each in done for edge in (each.start, each.end)), size]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Range(start, end) for start, end in pairs if start < end)


def parts(size: int, done: Sequence[Range], length: int = PART_BYTES) -> tuple[Range, ...]:
    """What is missing in parts of at most ``length`` bytes, the first bytes first."""
    return tuple(
        Range(start, min(start + length, gap.end))
        for gap in missing(size, done)
        for start in range(gap.start, gap.end, length)
    )


def prefix(done: Sequence[Range]) -> int:
    """How many bytes are here from the beginning on."""
    return done[0].end if done and done[0].start == 0 else 0


def wanted(piece: Range, gaps: Sequence[Range]) -> Iterator[Range]:
    """Those bytes of a piece that are in gaps."""
    for gap in gaps:
        start, end = max(piece.start, gap.start), min(piece.end, gap.end)
        if start < end:
            yield Range(start, end)


def encode(piece: Range) -> bytes:
    """A line of a journal; all have one length."""
    return f"{piece.start:0{_NUMBER}d} {piece.end:0{_NUMBER}d}\n".encode()


def decode(journal: bytes, size: int) -> tuple[Range, ...]:
    """What a journal says is here; what makes no sense in it says nothing.

    Args:
        size: of the file that it is about.
    """
    found = []
    for at in range(0, len(journal) - _LINE_BYTES + 1, _LINE_BYTES):
        line = journal[at : at + _LINE_BYTES].decode("ascii", "replace")
        start, end = natural(line[:_NUMBER]), natural(line[_NUMBER + 1 : -1])
        if start is not None and end is not None and line[-1] == "\n" and start < end <= size:
            found.append(Range(start, end))
    return merged(found)

"""Ranges of bytes that a client asks for, and those that it sends. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dockyard.decoding import natural

_ASKED: Final = re.compile(r"bytes=\s*([0-9]*)-([0-9]*)\s*")
_SENT: Final = re.compile(r"(?:bytes[ =])?([0-9]+)-([0-9]+)(?:/(?:[0-9]+|\*))?")


class Span(NamedTuple):
    """From ``start``, ``length`` bytes."""

    start: int
    length: int


class BeyondEnd(Exception):
    """There is not one byte of what was asked for (status 416)."""


def asked(header: str | None, size: int) -> Span | None:
    """What of ``size`` bytes a ``Range`` asks for (RFC 9110, 14.2); ``None`` for all of it.

    A range that goes beyond the end is cut. Several ranges and what is no range are answered by
    the whole, as the RFC allows.

    Raises:
        BeyondEnd: it begins behind the end, or is empty.
    """
    found = _ASKED.fullmatch(header) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = (natural(text) if text else None for text in found.groups())
    if not found[1]:  # the last bytes
        if last is None:
            return Span(0, size) if size else None
        if last == 0 or size == 0:
            raise BeyondEnd
        return Span(max(0, size - last), min(last, size))
    if first is None or first >= size:
        raise BeyondEnd
    if found[2] and last is not None and last < first:
        return None  # it makes no sense, and is to be ignored
    end = size - 1 if last is None else min(last, size - 1)
    return Span(first, end - first + 1)


def sent(header: str) -> Span | None:
    """What a chunk's ``Content-Range`` says it is; ``None`` where it says nothing sensible."""
    found = _SENT.fullmatch(header.strip())
    if found is None:
        return None
    first, last = natural(found[1]), natural(found[2])
    if first is None or last is None or last < first - 1:
        return None
    return Span(first, last - first + 1)


def received(offset: int) -> str:
    """How many bytes have come, as the protocol says it: ``0-0`` where there are none."""
    return f"0-{max(0, offset - 1)}"

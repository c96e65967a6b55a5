"""Runs of zeros, which a file has without taking space for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

BLOCK_BYTES = 4096
"""What filesystems give and take; a shorter run of zeros saves nothing."""
_BLANK = bytes(BLOCK_BYTES)


def stretches(data: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of what is more than zeros, in whole blocks but for the last. Pure."""
    begin = None
    for at in range(0, len(data), BLOCK_BYTES):
        if data[at] or not _BLANK.startswith(data[at : at + BLOCK_BYTES]):
            begin = at if begin is None else begin
        elif begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, len(data)


def write(descriptor: int, data: bytes, position: int) -> None:
    """Writes at a place of a new file, and leaves a hole where there are zeros.

    The file may end too early afterwards: give it its size with ftruncate(2) when all is written.
    """
    view = memoryview(data)
    for begin, end in stretches(data):
        done = begin
        while done < end:
            done += os.pwrite(descriptor, view[done:end], position + done)

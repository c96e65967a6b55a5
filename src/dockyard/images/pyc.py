"""The time in the header of compiled Python files, which makes equal installations differ.

Format: PEP 552. Bytes 0 to 3 are the magic number, 4 to 7 flags, 8 to 11 the modification time of
the source in seconds modulo 2**32 (flags 0), 12 to 15 its size; all little-endian.
"""

from __future__ import annotations

HEADER = 16
_FIRST_MAGIC = 3392
_LAST_MAGIC = 19999
"""Python 3.7, the first with this header, up to where the numbers of Python 1 and 2 begin."""


def recorded_time(header: bytes) -> int | None:
    """The source's time in seconds, or ``None`` where the file isn't checked by its time."""
    if len(header) < HEADER or header[2:4] != b"\r\n" or header[4:8] != bytes(4):
        return None
    magic = int.from_bytes(header[:2], "little")
    if not _FIRST_MAGIC <= magic <= _LAST_MAGIC:
        return None
    return int.from_bytes(header[8:12], "little")


def with_time(header: bytes, seconds: int) -> bytes:
    """The header with another time of the source."""
    return header[:8] + (seconds % 2**32).to_bytes(4, "little") + header[12:HEADER]

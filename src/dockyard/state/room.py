"""What stays free of a disk, whatever untrusted input would put on it.

A disk that is full to the last byte can't be helped by whoever filled it: records can't be written
then, nor logs, and other programs of the machine fail too.
"""

from __future__ import annotations

import os

import msgspec

from dockyard.errors import DiskFull
from dockyard.state.paths import unusable

_SHARE = 20
_MOST_BYTES = 1 << 30
_MOST_FILES = 1 << 16


class Free(msgspec.Struct, frozen=True):
    """What a filesystem has left: bytes, and files where their number has a bound."""

    bytes: int
    files: int


def kept(before: Free) -> Free:
    """What of that stays free: a twentieth, at most 1 GiB and 65,536 files. Pure.

    It is a share of what is free, not of the disk, so that small things still fit on a disk that
    is nearly full.
    """
    return Free(min(before.bytes // _SHARE, _MOST_BYTES), min(before.files // _SHARE, _MOST_FILES))


class Room:
    """The filesystem of a directory, as long as something is being put there."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._kept = kept(self._free())

    def check(self, what: str) -> None:
        """Call it while ``what`` grows, often enough that little comes in between.

        Raises:
            DiskFull: no more than what stays free is left.
        """
        free = self._free()
        if free.bytes < self._kept.bytes:
            raise DiskFull(what, spared=f"{self._kept.bytes:,} bytes")
        if free.files < self._kept.files:
            raise DiskFull(what, spared=f"{self._kept.files:,} files")

    def require(self, size: int, what: str) -> None:
        """Before so many bytes are put there.

        Raises:
            DiskFull: they wouldn't fit.
        """
        if self._free().bytes - size < self._kept.bytes:
            raise DiskFull(what, spared=f"{self._kept.bytes:,} bytes")

    def _free(self) -> Free:
        try:
            status = os.statvfs(self._directory)
        except OSError as error:
            raise unusable(self._directory, error) from error
        return Free(status.f_bavail * status.f_frsize, status.f_favail)

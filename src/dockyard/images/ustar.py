"""Headers of tar archives: POSIX ustar, with pax records only for what ustar can't hold.

Format: POSIX.1-2017, pax "ustar Interchange Format" and "pax Extended Header". Pure functions.
"""

from __future__ import annotations

import msgspec

BLOCK = 512
END = bytes(2 * BLOCK)
"""What ends an archive. Nothing is padded to records of 20 blocks: tapes are gone."""

_MAX_NAME = 100
_MAX_PREFIX = 155
_MAX_ID = 0o7777777
_MAX_LONG = 0o77777777777
_PAX_NAME = b"././@PaxHeader"
_HEADER = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0%b%b%bustar\x0000%b%07o\0%07o\0%b"
_CHECKSUM_AT = 148
_NAMES = bytes(64)
"""The fields for names of user and group, which differ between hosts: always empty."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A tar entry without its content.

    ``path`` has no leading slash, and a trailing one for a directory. ``kind`` is the ustar type
    flag, ``mode`` permission bits, ``size`` bytes, ``mtime`` seconds since 1970, ``xattrs`` names
    and values in the order of their names.
    """

    path: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


def padding(size: int) -> bytes:
    """The zeros that fill the last block of a content of ``size`` bytes."""
    return bytes(-size % BLOCK)


def encode(entry: Entry) -> bytes:
    """The header blocks of an entry, its pax header included where it needs one."""
    prefix, name = _split(entry.path)
    records = _records(entry, name)
    header = _header(
        entry,
        name=name or entry.path[:_MAX_NAME],
        prefix=prefix,
        link=entry.link[:_MAX_NAME],
    )
    return _pax(records) + header if records else header


def _split(path: bytes) -> tuple[bytes, bytes]:
    """Prefix and name as ustar splits them; an empty name where they can't hold the path."""
    if not path.isascii():
        return b"", b""
    if len(path) <= _MAX_NAME:
        return b"", path
    cut = path.find(b"/", max(1, len(path) - _MAX_NAME - 1), len(path) - 1)
    if cut < 0 or cut > _MAX_PREFIX:
        return b"", b""
    return path[:cut], path[cut + 1 :]


def _records(entry: Entry, name: bytes) -> list[tuple[bytes, bytes]]:
    records = [(b"SCHILY.xattr." + key, value) for key, value in entry.xattrs]
    if not name:
        records.append((b"path", entry.path))
    if len(entry.link) > _MAX_NAME or not entry.link.isascii():
        records.append((b"linkpath", entry.link))
    for key, number, limit in (
        (b"uid", entry.uid, _MAX_ID),
        (b"gid", entry.gid, _MAX_ID),
        (b"size", entry.size, _MAX_LONG),
        (b"mtime", entry.mtime, _MAX_LONG),
    ):
        if number > limit:
            records.append((key, b"%d" % number))
    return sorted(records)


def _pax(records: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(_record(key, value) for key, value in records)
    entry = Entry(path=_PAX_NAME, kind=b"x", mode=0o644, uid=0, gid=0, size=len(body), mtime=0)
    header = _header(entry, name=_PAX_NAME, prefix=b"", link=b"")
    return header + body + padding(len(body))


def _record(key: bytes, value: bytes) -> bytes:
    """``LENGTH KEY=VALUE\\n``, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %b=%b\n" % (length, key, value)


def _header(entry: Entry, *, name: bytes, prefix: bytes, link: bytes) -> bytes:
    blank = _HEADER % (
        name.ljust(_MAX_NAME, b"\0"),
        entry.mode,
        _fitting(entry.uid, _MAX_ID),
        _fitting(entry.gid, _MAX_ID),
        _fitting(entry.size, _MAX_LONG),
        _fitting(entry.mtime, _MAX_LONG),
        b"        ",
        entry.kind,
        link.ljust(_MAX_NAME, b"\0"),
        _NAMES,
        entry.device[0],
        entry.device[1],
        prefix.ljust(_MAX_PREFIX + 12, b"\0"),
    )
    checksum = b"%06o\0 " % sum(blank)
    return blank[:_CHECKSUM_AT] + checksum + blank[_CHECKSUM_AT + 8 :]


def _fitting(number: int, limit: int) -> int:
    """Zero for a number that a pax record holds instead."""
    return number if number <= limit else 0

"""Docker's ``USER`` and ``--user``: names and numbers, looked up in the container's own files.

The lookup is pure; only :func:`read_databases` opens files, and only below the container's root,
whatever symlinks the image put there (CVE-2019-14271's family).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from dockyard.decoding import natural
from dockyard.errors import InvalidInput
from dockyard.oci.runtime import Identity
from dockyard.system import syscalls

_LIMIT_BYTES = 16 << 20
_MAX_ID = (1 << 31) - 1
_SHOWN = 20
"""Digits of an impossible id in its error."""


def resolve(user: str, passwd: str, group: str, further: Sequence[str] = ()) -> Identity:
    """The identity that ``user`` means: ``name``, ``uid``, ``name:group``, ``uid:gid``...

    Args:
        user: as given; empty is root.
        passwd: text of the container's ``/etc/passwd``; may be empty.
        group: text of the container's ``/etc/group``; may be empty.
        further: names or numbers of more groups (``--group-add``).

    Raises:
        InvalidInput: the name isn't in the file, or a number is out of range.
    """
    wanted, _, wanted_group = (user or "0").partition(":")
    entry = _find_user(wanted, passwd)
    if entry is None and not _is_number(wanted):
        raise InvalidInput(
            f"unable to find user {wanted}: no matching entries in passwd file",
            hint="create the user in the image, or give numbers (uid:gid)",
            reference="no-such-user",
        )
    name, uid, gid, home = entry or ("", _number(wanted), 0, "/")
    groups = {_find_group(one, group) for one in further}
    if wanted_group:
        gid = _find_group(wanted_group, group)
        return Identity(uid, gid, tuple(sorted(groups | {gid})), home)
    return Identity(uid, gid, tuple(sorted(groups | _memberships(name, group, gid))), home)


def read_databases(rootfs: str) -> tuple[str, str]:
    """Texts of ``/etc/passwd`` and ``/etc/group`` of a root filesystem; empty where missing."""
    return read_inside(rootfs, "etc/passwd"), read_inside(rootfs, "etc/group")


def read_inside(rootfs: str, path: str) -> str:
    """Text of a file of a root filesystem, empty where it can't be read; never one outside."""
    directory = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _read(directory, path)
    finally:
        os.close(directory)


def _read(directory: int, path: str) -> str:
    """Only ever opens a regular file: an image may have a device or a fifo of that name."""
    resolve = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
    try:
        found = syscalls.openat2(directory, path, os.O_PATH, resolve=resolve)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            return ""
        with open(f"/proc/self/fd/{found}", "rb") as stream:
            return stream.read(_LIMIT_BYTES).decode(errors="replace")
    finally:
        os.close(found)


def _find_user(wanted: str, passwd: str) -> tuple[str, int, int, str] | None:
    by_number = None
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) < 6 or not _is_number(fields[2]) or not _is_number(fields[3]):
            continue
        if fields[0] == wanted:
            return _entry(fields)
        if fields[2] == wanted and by_number is None:
            by_number = fields
    return None if by_number is None else _entry(by_number)


def _entry(fields: Sequence[str]) -> tuple[str, int, int, str]:
    """Only for the line that is meant: what another user's says must not matter."""
    return fields[0], _number(fields[2]), _number(fields[3]), fields[5] or "/"


def _find_group(wanted: str, group: str) -> int:
    for line in group.splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[0] == wanted and _is_number(fields[2]):
            return _number(fields[2])
    if _is_number(wanted):
        return _number(wanted)
    raise InvalidInput(
        f"unable to find group {wanted}: no matching entries in group file",
        hint="create the group in the image, or give a number",
        reference="no-such-group",
    )


def _memberships(name: str, group: str, primary: int) -> set[int]:
    """Supplementary groups. The primary one is among them, so that a setgid program that gives it
    up can't get around a file that refuses its group (CVE-2022-36109)."""
    found = set()
    for line in group.splitlines():
        fields = line.split(":")
        mine = name and len(fields) > 3 and name in fields[3].split(",")
        if mine and _is_number(fields[2]):
            found.add(_number(fields[2]))
    return found | {primary}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _number(text: str) -> int:
    value = natural(text, _MAX_ID)
    if value is None:
        raise InvalidInput(
            f"the id {text[:_SHOWN]} is out of range",
            hint=f"ids of users and groups are 0 to {_MAX_ID}",
        )
    return value

"""``--chmod``: octal or symbolic permission bits (chmod(1)). Pure."""

from __future__ import annotations

import re

from dockyard.errors import BuildError

_CLAUSE = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)")
_OCTAL = re.compile(r"[0-7]{3,5}")
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}


def changed(mode: int, change: str, *, directory: bool) -> int:
    """The permission bits of a file after ``change``.

    Args:
        mode: the bits that it has.
        change: such as ``755`` or ``u=rwX,go-w``; empty changes nothing.

    Raises:
        BuildError: it is neither.
    """
    if not change:
        return mode
    if _OCTAL.fullmatch(change):
        return int(change, 8) & 0o7777
    for clause in change.split(","):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise BuildError(
                f"invalid chmod parameter: '{change}'",
                hint="it is octal such as 755, or symbolic such as u=rwX,go=rX",
            )
        mode = _apply(mode, *found.groups(), directory=directory)
    return mode


def _apply(mode: int, who: str, operator: str, letters: str, *, directory: bool) -> int:
    mask = 0
    for letter in who.replace("a", "ugo") or "ugo":
        mask |= _WHO[letter]
    bits = _bits(letters, executable=directory or bool(mode & 0o111)) & mask
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    kept = mode & ~mask
    return kept | bits


def _bits(letters: str, *, executable: bool) -> int:
    bits = 0
    for letter in letters:
        if letter == "X":
            bits |= 0o111 if executable else 0
        elif letter == "s":
            bits |= 0o6000
        elif letter == "t":
            bits |= 0o1000
        else:
            bits |= _BITS[letter]
    return bits

"""``--chmod``: octal or symbolic permission bits (chmod(1)). Pure."""

from __future__ import annotations

import re

from dockyard.errors import BuildError

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
_ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)")
_OCTAL = re.compile(r"[0-7]{1,5}")
_UMASK = 0o022
_DIRECTORY = 0o755
_STICKY = 0o1000
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o7}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}


def is_octal(change: str) -> bool:
    """True for ``755``, false for ``u=rwx``."""
    return _OCTAL.fullmatch(change) is not None


def of_new_directory(change: str) -> int:
    """The bits of the destination and its parents where COPY makes them.

    They have nothing of the source. An octal change counts less the usual umask, as in BuildKit.
    """
    return int(change, 8) & 0o777 & ~_UMASK if is_octal(change) else _DIRECTORY


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
    if is_octal(change):
        return int(change, 8) & 0o7777
    for who, actions in _clauses(change):
        for operator, letters in _ACTION.findall(actions):
            mode = _apply(mode, who, operator, letters, directory=directory)
    return mode


def _clauses(change: str) -> list[tuple[str, str]]:
    found = []
    for clause in change.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise BuildError(
                f"invalid chmod parameter: '{change}'",
                hint="it is octal such as 755, or symbolic such as u=rwX,go=rX",
            )
        found.append((match[1], match[2]))
    return found


def _apply(mode: int, who: str, operator: str, letters: str, *, directory: bool) -> int:
    mask = 0
    for letter in who.replace("a", "ugo") or "ugo":
        mask |= _WHO[letter]
    if letters and letters in _SHIFT:
        bits = (mode >> _SHIFT[letters] & 0o7) * 0o111 & mask
    else:
        mask |= 0 if who == "o" else _STICKY
        bits = _bits(letters, executable=directory or bool(mode & 0o111)) & mask
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    return mode & ~mask | bits


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

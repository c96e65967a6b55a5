"""API keys as a file has them. Pure; no message shows one.

One stands on a line, alone or behind its name::

    # who may ask
    mobile: 7f0c5b1e9a3d4c62
    d41d8cd98f00b204e9800998
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from dockyard.errors import InvalidInput

SHORTEST: Final = 16
"""Characters of a key: shorter ones can be guessed."""
_LONGEST: Final = 4096
"""More no header of a request has room for."""
_HINT: Final = "such as NAME: KEY, or KEY; openssl rand -hex 32 makes a key"


class Key(msgspec.Struct, frozen=True):
    """One that clients may use, and its name."""

    name: str
    key: str

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal, by which one key can be told from others and isn't told."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def __repr__(self) -> str:
        """Without the key."""
        return f"Key(name={self.name!r})"


def read(text: str, file: str) -> tuple[Key, ...]:
    """The keys in a file's text, in its order. Those without a name are called by their line.

    Args:
        file: what the file is called in messages.

    Raises:
        InvalidInput: there is no key, or one is empty, too short, twice there, or can't be sent in
            a header. The message has its line, never the key.
    """
    lines: dict[str, int] = {}
    found: list[Key] = []
    for line, name, key in _entries(text):
        fault = _fault(name, key)
        if fault:
            raise InvalidInput(f"{file}:{line}: {fault}", hint=_HINT)
        if key in lines:
            message = f"the key is the same as in line {lines[key]}"
            raise InvalidInput(f"{file}:{line}: {message}", hint="leave one of them out")
        lines[key] = line
        found.append(Key(name or f"line-{line}", key))
    if not found:
        raise InvalidInput(f"{file}: there is no key, so nobody could ask anything", hint=_HINT)
    return tuple(found)


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and key."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        name, colon, key = entry.partition(":")
        if colon and (not key or key[0].isspace()):  # a key may have a colon itself
            yield number, name.strip(), key.strip()
        else:
            yield number, "", entry


def _fault(name: str, key: str) -> str:
    """What is wrong with a line; both are sent in headers."""
    if not name.isascii() or not name.isprintable():
        return "the name has a character that no header can have"
    if not key:
        return "the key is empty"
    if not all("!" <= one <= "~" for one in key):
        return "the key has a space or a character that no header can have"
    if len(key) < SHORTEST:
        return f"the key is too short: {SHORTEST} characters are the least"
    return "the key is too long" if len(key) > _LONGEST else ""

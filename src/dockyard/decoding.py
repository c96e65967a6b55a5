"""JSON, text and plain values into typed ones, from any thread.

msgspec works out a type when it first decodes it, and another thread that decodes the same type in
that moment crashes the whole process. So here each type is worked out once, by one thread alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Hook = Callable[[type, Any], Any]
INT64_MAX = 2**63 - 1
_MOST_DIGITS = 40
"""More than any number in use has, with some zeros in front."""


class Decoders:
    """One for each type that was asked for."""

    def __init__(self) -> None:
        self._known: dict[object, msgspec.json.Decoder[Any]] = {}
        self._guard = threading.Lock()

    def of(self, kind: type[T]) -> msgspec.json.Decoder[T]:
        """The decoder of a type; other threads wait while it is made."""
        found = self._known.get(kind)
        if found is None:
            with self._guard:
                found = self._known.setdefault(kind, msgspec.json.Decoder(kind))
        return found


_DECODERS = Decoders()


def has_nul(document: bytes) -> bool:
    """True where a text in a JSON document has a NUL, at which a program in C sees its end.

    What was checked as ``/proc\\0x`` is ``/proc`` there.
    """
    return rb"\u0000" in document.replace(rb"\\", b"")


def natural(text: str, most: int = INT64_MAX) -> int | None:
    """The number that digits say; ``None`` for any other text, and for more than ``most``.

    ``int()`` alone takes digits of every script, spaces and underscores, and raises an error of its
    own for more than 4,300 digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return None
    value = int(text)
    return value if value <= most else None


def from_json(data: str | bytes, kind: type[T]) -> T:
    """A document as a value of that type.

    Raises:
        msgspec.DecodeError: it isn't JSON.
        msgspec.ValidationError: it is something else than the type says.
    """
    return _DECODERS.of(kind).decode(data)


def from_builtins(value: object, kind: type[T], hook: Hook | None = None) -> T:
    """Dictionaries, lists and plain values as a value of that type.

    Args:
        hook: makes values of types that aren't built in.

    Raises:
        msgspec.ValidationError: they are something else than the type says.
    """
    _DECODERS.of(kind)
    return msgspec.convert(value, kind, dec_hook=hook)

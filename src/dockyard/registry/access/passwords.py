"""Passwords, as they are kept and compared: scrypt (RFC 7914), with its parameters beside it.

32 MiB and three rounds each (OWASP's second choice). Only a few are worked out at a time, so that
many logins at once cost time and not memory; who would wait too long is turned away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.errors import InvalidInput
from dockyard.registry.access import refusal

SHORTEST: Final = 8
LONGEST: Final = 512
"""Bytes."""
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_AT_ONCE: Final = 2
_MOST_WAITING: Final = 64
_PATIENCE_SECONDS: Final = 15.0


class Cost(msgspec.Struct, frozen=True):
    """What one guess costs: ``2**exponent * block * 128`` bytes, ``rounds`` times."""

    exponent: int = 15
    block: int = 8
    rounds: int = 3

    @property
    def memory(self) -> int:
        return (1 << self.exponent) * self.block * 128

    def sensible(self) -> bool:
        """True where working it out takes neither nothing nor this host down."""
        return 1 <= self.exponent <= 20 and 1 <= self.block <= 32 and 1 <= self.rounds <= 16


class Passwords:
    """Writes them down and compares them. Safe between threads."""

    def __init__(self, cost: Cost | None = None) -> None:
        self._cost = cost or Cost()
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._guard = threading.Lock()
        self._waiting = 0
        self._nobody = _text(self._cost, secrets.token_bytes(_SALT_BYTES), bytes(_KEY_BYTES))

    def hashed(self, password: str) -> str:
        """``scrypt$15$8$3$SALT$KEY``.

        Raises:
            InvalidInput: it is too short or too long.
        """
        salt = secrets.token_bytes(_SALT_BYTES)
        return _text(self._cost, salt, self._key(check(password), salt, self._cost))

    def match(self, password: str, kept: str | None) -> bool:
        """Compares; takes as long where there is nothing to compare with (``None``).

        Raises:
            Refusal: too many others wait for the same.
        """
        cost, salt, key = _parts(kept or self._nobody)
        found = hmac.compare_digest(self._key(password, salt, cost), key)
        return found and kept is not None

    def _key(self, password: str, salt: bytes, cost: Cost) -> bytes:
        with self._guard:
            if self._waiting >= _MOST_WAITING:
                raise refusal.busy()
            self._waiting += 1
        try:
            if not self._slots.acquire(timeout=_PATIENCE_SECONDS):
                raise refusal.busy()
            try:
                return hashlib.scrypt(
                    password.encode()[: LONGEST + 1], salt=salt, n=1 << cost.exponent,
                    r=cost.block, p=cost.rounds, maxmem=2 * cost.memory, dklen=_KEY_BYTES,
                )  # fmt: skip
            finally:
                self._slots.release()
        finally:
            with self._guard:
                self._waiting -= 1


def check(password: str) -> str:
    """The password, if it may be one.

    Raises:
        InvalidInput: it is too short or too long, or has signs that no terminal sends.
    """
    if len(password) < SHORTEST or len(password.encode()) > LONGEST:
        raise InvalidInput(
            "the password is too short" if len(password) < SHORTEST else "the password is too long",
            hint=f"{SHORTEST} characters at least, {LONGEST} bytes at most",
        )
    if not password.isprintable():
        raise InvalidInput(
            "the password has control characters", hint="leave out line ends and the like"
        )
    return password


def _text(cost: Cost, salt: bytes, key: bytes) -> str:
    parts = (base64.b64encode(one).decode() for one in (salt, key))
    return "$".join(("scrypt", f"{cost.exponent}", f"{cost.block}", f"{cost.rounds}", *parts))


def _parts(kept: str) -> tuple[Cost, bytes, bytes]:
    scheme, *words = kept.split("$")
    numbers = [decoding.natural(word) for word in words[:3]]
    if scheme == "scrypt" and len(words) == 5 and None not in numbers:
        cost = Cost(*(number or 0 for number in numbers))
        try:
            salt, key = (base64.b64decode(word, validate=True) for word in words[3:])
        except binascii.Error:
            salt = key = b""
        if cost.sensible() and salt and len(key) == _KEY_BYTES:
            return cost, salt, key
    raise InvalidInput(
        "a stored password makes no sense", hint="give it anew: dockyard registry user passwd NAME"
    )

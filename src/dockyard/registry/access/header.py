"""``Authorization`` as clients send it (RFC 7617, RFC 6750). Pure."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from dockyard.registry.access import refusal

_LONGEST_BASIC: Final = 4 << 10


class Login(msgspec.Struct, frozen=True):
    """A name and what should prove it. Its text shows neither."""

    name: str
    password: str

    def __repr__(self) -> str:
        return "Login(...)"


class Bearer(msgspec.Struct, frozen=True):
    """A token. Its text doesn't show it."""

    token: str

    def __repr__(self) -> str:
        return "Bearer(...)"


def read(authorization: str | None) -> Login | Bearer | None:
    """What the header says; ``None`` where there is none.

    Raises:
        Refusal: it makes no sense.
    """
    if authorization is None:
        return None
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return Bearer(value)
    if scheme.lower() == "basic" and len(value) <= _LONGEST_BASIC:
        try:
            pair = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise refusal.unknown() from None
        name, colon, password = pair.partition(":")
        if colon and name and password:
            return Login(name, password)
    raise refusal.unknown()


def challenge(realm: str, service: str, scope: str = "", error: str = "") -> str:
    """``WWW-Authenticate``: where to get a token, and for what."""
    fields = {"realm": realm, "service": service, "scope": scope, "error": error}
    said = ",".join(f'{name}="{_quoted(value)}"' for name, value in fields.items() if value)
    return f"Bearer {said}"


def _quoted(text: str) -> str:
    kept = "".join(letter for letter in text if letter.isascii() and letter.isprintable())
    return kept.replace("\\", "\\\\").replace('"', '\\"')

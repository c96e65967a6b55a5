"""Tokens that say what their bearer may (JWT, RFC 7519), signed by this registry: ES256 alone.

Which algorithm, issuer and audience count is fixed here, never taken from the token. A token
names the generation of its user, so that it ends when he is disabled, removed, or gets another
password.
"""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dockyard import decoding
from dockyard.registry.access import refusal
from dockyard.registry.access.model import Action, Grant
from dockyard.registry.access.records import Key

LIFE_SECONDS: Final = 300
_LEEWAY_SECONDS: Final = 10
"""By so much clocks may differ; they are the same host's, but for its corrections."""
_ALGORITHM: Final = "ES256"
_ISSUER: Final = "dockyard-registry"
_LONGEST: Final = 16 << 10
_REQUIRED: Final = ("iss", "aud", "sub", "exp", "nbf", "iat", "access", "gen")


class Entry(msgspec.Struct, frozen=True):
    """One of ``access``, in the words of Docker's protocol."""

    type: str
    name: str
    actions: tuple[str, ...]


class Claims(msgspec.Struct, frozen=True):
    """What of a token was verified."""

    sub: str
    """``user:anna``, ``robot:robot$ci``, ``anonymous:``."""
    gen: int
    access: tuple[Entry, ...]

    def grants(self) -> tuple[Grant, ...]:
        """What it is for."""
        known: dict[str, Action] = {"pull": "pull", "push": "push", "delete": "delete"}
        return tuple(
            Grant(one.name, tuple(known[word] for word in one.actions if word in known))
            for one in self.access if one.type == "repository"
        )  # fmt: skip

    def catalog(self) -> bool:
        """Whether it is for the list of repositories."""
        return Entry("registry", "catalog", ("*",)) in self.access


def issue(
    key: Key, service: str, subject: str, generation: int, access: Iterable[Entry], now: int
) -> str:
    """A token."""
    claims = {
        "iss": _ISSUER, "aud": service, "sub": subject, "iat": now, "nbf": now,
        "exp": now + LIFE_SECONDS, "jti": secrets.token_urlsafe(12), "gen": generation,
        "access": [msgspec.to_builtins(one) for one in access],
    }  # fmt: skip
    return jwt.encode(claims, _private(key.private), _ALGORITHM, headers={"kid": key.id})


def verify(token: str, keys: Iterable[Key], service: str, now: float) -> Claims:
    """What the token says, if it is this registry's and good now.

    Raises:
        Refusal: it isn't.
    """
    if len(token) > _LONGEST:
        raise refusal.unknown()
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        found = next((one for one in keys if one.id == kid and _is_good(one, now)), None)
        if found is None:
            raise refusal.unknown()
        claims = jwt.decode(
            token, _public(found.private), algorithms=[_ALGORITHM], audience=service,
            issuer=_ISSUER, leeway=_LEEWAY_SECONDS, options={"require": list(_REQUIRED)},
        )  # fmt: skip
        return decoding.from_builtins(claims, Claims)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
        raise refusal.unknown() from None


def new_key() -> tuple[str, str]:
    """A key's id and its PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return hashlib.sha256(public).hexdigest()[:32], text.decode()


def _is_good(key: Key, now: float) -> bool:
    return key.ends is None or key.ends > now


@functools.lru_cache(maxsize=16)
def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not a key of this registry")
    return key


@functools.lru_cache(maxsize=16)
def _public(pem: str) -> ec.EllipticCurvePublicKey:
    return _private(pem).public_key()

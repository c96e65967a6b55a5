"""Tokens of this registry, and of nobody else."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockyard.registry.access import jwts
from dockyard.registry.access.jwts import Claims, Entry
from dockyard.registry.access.model import Grant
from dockyard.registry.access.records import Key
from dockyard.registry.access.refusal import Refusal

NOW = 1_700_000_000
KEY = Key(*jwts.new_key(), created=NOW, ends=None)
OTHER = Key(*jwts.new_key(), created=NOW, ends=None)
ACCESS = (Entry("repository", "a/b", ("pull",)), Entry("registry", "catalog", ("*",)))


@pytest.fixture(autouse=True)
def at_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, NOW)


def set_time(monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    """PyJWT asks the clock itself."""

    class Moment(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Moment:
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", Moment)


def made(**changes: Any) -> str:
    """A token that would be good, but for the changes."""
    claims = {
        "iss": "dockyard-registry", "aud": "here", "sub": "user:anna", "iat": NOW, "nbf": NOW,
        "exp": NOW + 300, "gen": 1, "access": [],
    }  # fmt: skip
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, jwts._private(KEY.private), "ES256", headers={"kid": KEY.id})


def verify(token: str) -> Claims:
    return jwts.verify(token, [KEY], "here", NOW)


def public_pem() -> bytes:
    return jwts._public(KEY.private).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_what_is_issued_is_understood() -> None:
    token = jwts.issue(KEY, "here", "user:anna", 7, ACCESS, NOW)

    claims = verify(token)
    assert (claims.sub, claims.gen) == ("user:anna", 7)
    assert claims.grants() == (Grant("a/b", ("pull",)),)
    assert claims.catalog()
    assert verify(made()).grants() == ()
    assert not verify(made()).catalog()


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "there"}, {"aud": None}, {"iss": "somebody"}, {"iss": None}, {"exp": NOW - 11},
        {"exp": None}, {"nbf": NOW + 60}, {"nbf": None}, {"iat": NOW + 60}, {"sub": None},
        {"gen": None}, {"gen": "1"}, {"access": None}, {"access": "all"},
        {"access": [{"type": "repository", "name": "a"}]}, {"exp": "soon"}, {"sub": 5},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_missing_or_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        verify(made(**changes))
    assert caught.value.status == 401


def test_clocks_may_differ_by_a_little() -> None:
    verify(made(exp=NOW - 9))
    verify(made(nbf=NOW + 9, iat=NOW + 9))


def test_it_ends_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    token = jwts.issue(KEY, "here", "user:anna", 1, (), NOW)
    set_time(monkeypatch, NOW + jwts.LIFE_SECONDS + 9)
    verify(token)
    set_time(monkeypatch, NOW + jwts.LIFE_SECONDS + 11)
    with pytest.raises(Refusal):
        verify(token)


def _forged(head: dict[str, Any], signature: bytes = b"") -> str:
    body = made().split(".")[1]
    first = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    return f"{first}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "ES384"])
def test_a_token_does_not_choose_its_algorithm(algorithm: str) -> None:
    with pytest.raises(Refusal):
        verify(_forged({"alg": algorithm, "typ": "JWT", "kid": KEY.id}))


@pytest.mark.parametrize("secret", [public_pem(), public_pem().strip(), KEY.id.encode(), b""],
                         ids=["key", "stripped key", "name", "empty"])  # fmt: skip
def test_the_public_key_is_no_secret_to_sign_with(secret: bytes) -> None:
    token = _forged({"alg": "HS256", "typ": "JWT", "kid": KEY.id})
    signed = token.rpartition(".")[0]
    forged = _forged(
        {"alg": "HS256", "typ": "JWT", "kid": KEY.id},
        hmac.digest(secret, signed.encode(), hashlib.sha256),
    )
    with pytest.raises(Refusal):
        verify(forged)


def test_a_key_of_another_registry_or_kind_does_not_count() -> None:
    claims = jwt.decode(made(), options={"verify_signature": False})
    elsewhere = jwts.issue(OTHER, "here", "user:anna", 1, (), NOW)
    posing = jwt.encode(claims, jwts._private(OTHER.private), "ES256", headers={"kid": KEY.id})
    nameless = jwt.encode(claims, jwts._private(KEY.private), "ES256")
    own = rsa.generate_private_key(65537, 2048)
    brought = jwt.encode(
        claims, own, "RS256",
        headers={"kid": KEY.id, "jwk": {"kty": "RSA"}, "jku": "https://example.com/keys"},
    )  # fmt: skip
    p384 = jwt.encode(claims, ec.generate_private_key(ec.SECP384R1()), "ES384",
                      headers={"kid": KEY.id})  # fmt: skip
    for token in (elsewhere, posing, nameless, brought, p384):
        with pytest.raises(Refusal):
            verify(token)


def test_a_key_that_was_replaced_is_good_until_it_ends() -> None:
    token = made()
    old = Key(KEY.id, KEY.private, NOW, NOW + 10)

    jwts.verify(token, [OTHER, old], "here", NOW)
    with pytest.raises(Refusal):
        jwts.verify(token, [OTHER, old], "here", NOW + 10)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 20_000, "e30.e30.", "é.é.é", "[" * 5000 + ".a.b"]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Refusal):
        verify(token)


def test_a_changed_token_is_refused() -> None:
    head, body, signature = made().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["access"] = [{"type": "repository", "name": "x", "actions": ["push"]}]
    other = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Refusal):
        verify(f"{head}.{other}.{signature}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["ES256", "none", "HS256", KEY.id]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)  # fmt: skip
HEADS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "jku"]), JSON
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADS | JSON, JSON, st.binary(max_size=80))
def test_whatever_comes_as_a_token_is_refused_in_words(
    head: object, body: object, signature: bytes
) -> None:
    parts = (json.dumps(head).encode(), json.dumps(body).encode(), signature)
    token = ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)
    with pytest.raises(Refusal):
        verify(token)


def test_keys_are_not_shown() -> None:
    assert "PRIVATE" not in repr(KEY)

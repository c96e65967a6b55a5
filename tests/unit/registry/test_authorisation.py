"""What a token server gives, and what is made of it."""

from __future__ import annotations

import time

import pytest

from dockyard.errors import RegistryError
from dockyard.registry.authorisation import Token, _token

REALM = "https://auth.example.com/token"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (b'{"token": "a.b.c"}', "a.b.c"),
        (b'{"access_token": "a.b.c"}', "a.b.c"),
        (b'{"token": "a", "access_token": "b"}', "a"),
        (b'{"token": null, "access_token": "b", "issued_at": "yesterday", "more": [1]}', "b"),
    ],
)
def test_a_token_has_two_names(answer: bytes, value: str) -> None:
    assert _token(answer, REALM).value == value


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (b"300", 290),
        (b'"300"', 290),
        (b"300.5", 290),
        (b"20", 16),
        (b"1e300", 3590),
        (b"0", 50),
        (b"-5", 50),
        (b"null", 50),
        (b'"soon"', 50),
    ],
)
def test_it_is_replaced_before_its_time_is_over(expires: bytes, seconds: float) -> None:
    made = _token(b'{"token": "a", "expires_in": ' + expires + b"}", REALM)

    assert made.until - time.monotonic() == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[]",
        b'{"token": ""}',
        b'{"token": 5}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX: y"}',
        b'{"token": "\\u00e9"}',
        b'{"token": "' + b"a" * 100_000 + b'"}',
        b"[" * 100_000,
    ],
)
def test_what_can_be_no_token_is_refused_without_being_shown(answer: bytes) -> None:
    with pytest.raises(RegistryError, match=r"auth\.example\.com") as caught:
        _token(answer, REALM)

    assert "a b" not in str(caught.value)


def test_a_token_does_not_show_itself() -> None:
    made = Token("secret", 0.0, "refresh")

    assert "secret" not in f"{made!r} {made}"
    assert "refresh" not in f"{made!r} {made}"

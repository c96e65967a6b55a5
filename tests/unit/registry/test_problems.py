"""What a registry's answers mean to a user."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import NotFound, RegistryError
from dockyard.registry.problems import (
    Asked,
    Denied,
    Full,
    Interrupted,
    Unauthorized,
    of_answer,
    said,
    shown,
)

ASKED = Asked("registry-1.docker.io", "docker.io", "manifest for a/b:1")


def body(code: str, message: str = "words") -> bytes:
    return f'{{"errors": [{{"code": "{code}", "message": "{message}", "detail": [1]}}]}}'.encode()


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (401, "UNAUTHORIZED", Unauthorized, "wants to know who is asking"),
        (401, "", Unauthorized, "wants to know who is asking"),
        (507, "UNKNOWN", Full, "no room for manifest for a/b:1: its disk is full"),
        (404, "NAME_UNKNOWN", NotFound, "no such repository"),
        (404, "MANIFEST_UNKNOWN", NotFound, "no such tag or digest"),
        (404, "BLOB_UNKNOWN", NotFound, "lacks this content"),
        (429, "TOOMANYREQUESTS", Interrupted, "too many requests"),
        (429, "", Interrupted, "too many requests"),
        (500, "UNKNOWN", Interrupted, "status 500"),
        (408, "", Interrupted, "status 408"),
        (400, "MANIFEST_INVALID", RegistryError, "status 400"),
        (413, "", RegistryError, "status 413"),
        (405, "UNSUPPORTED", RegistryError, "status 405"),
        (501, "", RegistryError, "status 501"),
    ],
)
def test_answers_are_told_in_words(
    status: int, code: str, kind: type[Exception], words: str
) -> None:
    error = of_answer(status, body(code), ASKED)

    assert type(error) is kind
    assert words in error.message
    assert error.hint
    assert "words" in (error.context or "")


@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [
        (403, "anna may not push to team/app", "dockyard login docker.io"),
        (409, "tag v1 of app is immutable and names another manifest: sha256:1", "another tag"),
    ],
)
def test_why_something_is_denied_comes_first(status: int, words: str, hint: str) -> None:
    error = of_answer(status, body("DENIED", words), ASKED)

    assert type(error) is Denied
    assert error.message == words
    assert error.context == "docker.io refuses manifest for a/b:1"
    assert hint in (error.hint or "")


@pytest.mark.parametrize("words", ["requested access to the resource is denied", "", "Forbidden."])
def test_who_is_told_no_reason_is_told_what_it_may_be(words: str) -> None:
    error = of_answer(403, body("DENIED", words), ASKED)

    assert type(error) is Denied
    assert "does not exist, or you may not" in error.message


def test_a_token_that_has_expired_is_said_first() -> None:
    words = "the token of robot$ci expired on 2026-01-31T00:00:00Z: ask for another"

    assert of_answer(401, body("UNAUTHORIZED", words), ASKED).message == words


@pytest.mark.parametrize(
    ("code", "message", "context"),
    [
        ("MANIFEST_UNKNOWN", "manifest unknown", "manifest unknown"),
        ("BLOB_UNKNOWN", "blob unknown to registry", "blob unknown to registry"),
        ("MANIFEST_INVALID", "Manifest invalid: why", "Manifest invalid: why"),
        ("NAME_UNKNOWN", "no such thing", "name unknown: no such thing"),
        ("NAME_UNKNOWN", "", "name unknown"),
    ],
)
def test_nothing_is_said_twice(code: str, message: str, context: str) -> None:
    assert of_answer(404, body(code, message), ASKED).context == context


def test_a_repository_of_that_name_is_no_quota() -> None:
    error = of_answer(403, body("DENIED", "anna may not push to quota/app"), ASKED)

    assert error.reference == "denied"


def test_a_quota_is_told_from_a_right() -> None:
    error = of_answer(403, body("DENIED", "quota exceeded: 5GB"), ASKED)

    assert error.reference == "quota"
    assert "no room" in error.message


def test_a_user_logs_in_to_the_name_that_he_knows() -> None:
    hint = of_answer(401, b"", ASKED).hint or ""

    assert "dockyard login docker.io" in hint


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"errors": []}',
        b'{"errors": null}',
        b'{"errors": [5]}',
        b'{"errors": [{"code": 5}]}',
        b'{"errors": {"a": "b"}}',
    ],
)
def test_rubbish_says_nothing(answer: bytes) -> None:
    assert said(answer) == ("", "")
    assert of_answer(400, answer, ASKED).context is None


def test_what_a_token_server_says_is_read_too() -> None:
    assert said(b'{"details": "incorrect username"}') == ("", "incorrect username")


def test_long_words_are_cut_and_lines_joined() -> None:
    _, words = said(b'{"errors":[{"code":"X","message":"a\\nb' + b"c" * 10_000 + b'"}]}')

    assert words.startswith("a bc")
    assert len(words) <= 1000


@given(st.binary(max_size=200), st.integers(400, 599))
def test_any_answer_is_an_error_with_a_hint(answer: bytes, status: int) -> None:
    error = of_answer(status, answer, ASKED)

    assert error.message
    assert error.hint


def test_what_may_be_secret_is_not_shown() -> None:
    url = "https://ann:word@a.example.com:5000/x/y?X-Amz-Signature=abc#d"

    assert shown(url) == "https://a.example.com:5000/x/y"


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.0, "5 seconds"), (600.0, "10 minutes"), (21600.0, "6 hours")]
)
def test_how_long_to_wait_is_said(seconds: float, words: str) -> None:
    assert words in (of_answer(429, b"", ASKED, wait=seconds).hint or "")

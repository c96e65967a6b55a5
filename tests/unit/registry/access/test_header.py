"""What clients send and are sent."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.access import basic

from dockyard.registry.access import header
from dockyard.registry.access.header import Bearer, Login
from dockyard.registry.access.refusal import Refusal
from dockyard.registry.challenge import parse


def test_both_schemes_are_read() -> None:
    assert header.read(None) is None
    assert header.read(basic("anna", "a:b")) == Login("anna", "a:b")
    assert header.read("bearer  abc ") == Bearer("abc")


@pytest.mark.parametrize(
    "text", ["", "Basic", "Basic !", "Basic YQ==", "Basic Og==", "Basic YTo=", "Basic OmI=",
             "Bearer", "Digest x", "Basic " + "QUFB" * 4000, "Basic //79"],
)  # fmt: skip
def test_what_makes_no_sense_is_nobody(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        header.read(text)
    assert caught.value.status == 401


def test_credentials_are_not_shown() -> None:
    assert "secret" not in repr([Login("anna", "secret"), Bearer("secret")])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Refusal):
        header.read(text)


@given(st.text(st.characters(codec="ascii"), min_size=1))
def test_a_challenge_is_one_header_that_clients_understand(scope: str) -> None:
    said = header.challenge("http://localhost:5000/token", "me", scope, "invalid_token")
    kept = "".join(one for one in scope if one.isprintable())

    assert said.isprintable()
    (found,) = parse([said])
    assert found.scheme == "bearer"
    assert found.parameters["realm"] == "http://localhost:5000/token"
    assert found.parameters.get("scope", "") == kept

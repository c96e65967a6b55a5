"""What a server wants to see: several challenges, quotes, and rubbish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.registry.challenge import Challenge, parse

HUB = (
    'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="a:b:pull"'
)


def test_a_token_server_is_named() -> None:
    assert parse([HUB]) == (
        Challenge(
            "bearer",
            {
                "realm": "https://auth.example.com/token",
                "service": "registry.example.com",
                "scope": "a:b:pull",
            },
        ),
    )


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ('Basic realm="a"', ["basic"]),
        ('Basic realm="a", Bearer realm="b"', ["basic", "bearer"]),
        ('Negotiate, Basic realm="a"', ["negotiate", "basic"]),
        ("Negotiate abc==, Basic realm=a", ["negotiate", "basic"]),
        ("basic", ["basic"]),
        (", ,Basic ,", ["basic"]),
        ("", []),
        ('realm="nobody\'s"', []),
    ],
)
def test_challenges_are_told_apart(header: str, schemes: list[str]) -> None:
    assert [one.scheme for one in parse([header])] == schemes


def test_challenges_of_several_headers_are_all_there() -> None:
    found = parse(['Basic realm="a"', 'Bearer realm="b"'])

    assert [(one.scheme, one.parameters["realm"]) for one in found] == [
        ("basic", "a"), ("bearer", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (r'Basic realm="a\"b,c=d"', 'a"b,c=d'),
        ('Basic realm = "a"', "a"),
        ("Basic realm=a", "a"),
        ('Basic REALM="a"', "a"),
        ('Basic realm="a", realm="b"', "a"),
        ('Basic realm="never ends', "never ends"),
        ("Basic realm=", ""),
    ],
)
def test_parameters_may_be_quoted(header: str, value: str) -> None:
    assert parse([header])[0].parameters["realm"] == value


@given(st.lists(st.text(), max_size=4))
def test_rubbish_is_skipped(headers: list[str]) -> None:
    for one in parse(headers):
        assert one.scheme == one.scheme.lower() != ""


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        max_size=6,
    )
)
def test_what_is_quoted_comes_back(values: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'

    header = "Bearer " + ", ".join(f"{name}={quoted(value)}" for name, value in values.items())

    assert parse([header]) == (Challenge("bearer", values),)


def test_a_hostile_header_is_cut() -> None:
    assert len(parse(["Basic " * 10_000])) <= 16
    assert len(parse([f'Basic a="{"x" * 1_000_000}"'])[0].parameters["a"]) < 20_000
    many = ",".join(f"a{n}=b" for n in range(1000))
    assert len(parse([f"Basic {many}"])[0].parameters) <= 32

"""What a client wants a token for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.registry.access import scopes


def read(*texts: str) -> list[tuple[str, str, list[str]]]:
    return [(one.kind, one.name, sorted(one.actions)) for one in scopes.parse(texts)]


def test_several_scopes_in_one_text_or_in_many() -> None:
    assert read("repository:a/b:pull,push repository:c:pull", "repository:c:push") == [
        ("repository", "a/b", ["pull", "push"]), ("repository", "c", ["pull", "push"]),
    ]  # fmt: skip


def test_the_catalog_has_one_of_its_own() -> None:
    assert scopes.wants_catalog(scopes.parse(["registry:catalog:*"]))
    assert not scopes.wants_catalog(scopes.parse(["registry:catalog:pull", "repository:catalog:*"]))


@pytest.mark.parametrize(
    "text",
    ["", "repository", "repository:a", "repository::pull", "repository:A:pull", "x:a:pull",
     "repository:a/../b:pull", "repository:a/**:pull", "repository:host:5000/a:pull",
     f"repository:{'a' * 256}:pull", "registry:other:*"],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(text: str) -> None:
    assert read(text, "repository:ok:pull") == [("repository", "ok", ["pull"])]


def test_no_more_than_fit_a_token() -> None:
    found = read(" ".join(f"repository:r{number}:pull" for number in range(1000)))
    assert len(found) == 64


@given(st.lists(st.text(), max_size=5))
def test_any_text_is_read(texts: list[str]) -> None:
    assert all(one.kind in {"repository", "registry"} for one in scopes.parse(texts))

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput
from dockyard.oci.reference import Reference, is_path
from dockyard.registry.access import scopes
from dockyard.registry.server import names

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("python", "docker.io/library/python:latest", "python:latest"),
        ("python:3.11", "docker.io/library/python:3.11", "python:3.11"),
        ("me/app", "docker.io/me/app:latest", "me/app:latest"),
        ("localhost/app:1", "localhost/app:1", "localhost/app:1"),
        ("host:5000/a/b:t", "host:5000/a/b:t", "host:5000/a/b:t"),
        (f"r.io/a@{DIGEST}", f"r.io/a@{DIGEST}", f"r.io/a@{DIGEST}"),
    ],
)
def test_names_are_read_as_docker_reads_them(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)

    assert (str(reference), reference.familiar) == (full, familiar)
    assert Reference.parse(full) == reference
    assert Reference.parse(familiar) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "A",
        "a:",
        "a b",
        "-a",
        "a//b",
        "a@sha256:1",
        "a:" + "t" * 129,
        "a" * 300,
        "../x",
        "a:-",
    ],
)
def test_invalid_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid reference format"):
        Reference.parse(text)


@given(st.text())
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidInput:
        return
    assert Reference.parse(str(reference)) == reference


def test_the_local_registry_holds_the_short_name() -> None:
    assert str(Reference.parse("python:3.11").in_local_registry) == "localhost/python:3.11"


@pytest.mark.parametrize(
    ("text", "good"),
    [("a", True), ("a/b-c/d__e.f", True), ("team/a--b", True), ("a" * 255, True),
     ("a" * 256, False), ("", False), ("/", False), ("a//b", False), ("/a", False), ("a/", False),
     ("A", False), ("a..b", False), ("a/../b", False), ("a_", False), ("a:b", False),
     ("\u00e9", False), ("\u00b2", False)],
)  # fmt: skip
def test_client_registry_and_tokens_agree_what_a_repository_is(text: str, good: bool) -> None:
    assert is_path(text) is good
    assert names.is_name(text) is good
    assert bool(scopes.parse([f"repository:{text}:pull"])) is good

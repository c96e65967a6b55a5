"""Which image a name means."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.images import bases, resolve
from dockyard.images.stock import catalog
from dockyard.oci.reference import Reference


def meanings(text: str) -> list[str]:
    return [str(candidate.reference) for candidate in resolve.candidates(text)]


def test_an_exact_local_name_comes_before_a_bootstrapped_base() -> None:
    assert meanings("python:3.11") == ["docker.io/library/python:3.11", "localhost/python:3.11"]


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("docker.io/library/python:3.11", "localhost/python:3.11"),
        ("library/python:3.11", "localhost/python:3.11"),
        ("python:3.11-slim", "localhost/python:3.11"),
        ("python:3.13-slim-trixie", "localhost/python:3.13"),
        ("debian:12", "localhost/debian:bookworm"),
        ("debian:trixie-slim", "localhost/debian:trixie"),
    ],
)
def test_names_of_the_official_images_mean_the_base_that_stands_for_them(
    text: str, base: str
) -> None:
    assert meanings(text)[-1] == base


def test_the_user_is_told_where_a_name_means_another() -> None:
    exact, base = resolve.candidates("python:3.11")
    assert exact.note is None
    assert base.note == "python:3.11 resolves to localhost/python:3.11 (bootstrapped)"


@pytest.mark.parametrize(
    "text",
    [
        "my-ai-app",
        "localhost/python:3.11",
        "docker.io/somebody/python:3.11",
        "registry.example/python:3.11",
        f"python:3.11@sha256:{'0' * 64}",
    ],
)
def test_other_names_mean_only_themselves(text: str) -> None:
    assert meanings(text) == [str(Reference.parse(text))]


@pytest.mark.parametrize("text", ["python:3.11", "python:3.11-slim", "localhost/python:3.11"])
def test_a_missing_base_names_the_command_that_makes_it(text: str) -> None:
    assert resolve.not_found(text).hint == "dockyard bootstrap python:3.11"


def test_a_registry_that_fails_has_what_would_make_the_image() -> None:
    """Only what nobody makes is left to whoever looks after the registry."""
    for text, hint in (
        ("redis:7-alpine", "dockyard bootstrap redis:7 makes it from packages"),
        ("nvidia/cuda:12.4.1", "check the network"),
        ("registry.example/redis:6", "check the network"),
    ):
        assert resolve.remedy(Reference.parse(text), "check the network") == hint


def test_any_other_missing_image_names_what_can_be_made_here() -> None:
    error = resolve.not_found("nvidia/cuda:12.4.1")
    assert error.message == "No such image: nvidia/cuda:12.4.1"
    assert error.hint is not None
    assert bases.names() in error.hint
    assert "registry" in error.hint


LISTED = " (dockyard bootstrap --list)"


@pytest.mark.parametrize("text", ["nvidia/cuda:12.4.1", "localhost/mine"])
def test_bootstrap_refuses_what_it_cannot_make_and_names_the_choices(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        catalog.named(text)
    assert (
        caught.value.message
        == f"{text.removeprefix('localhost/')} can't be made from Debian's packages"
    )
    assert caught.value.hint == (
        "bootstrap makes debian:bookworm, debian:trixie, python:3.11, python:3.13, and services"
        " such as redis, postgres, nginx and prometheus (dockyard bootstrap --list)"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("python:3.12", "bootstrap makes python:3.11 and python:3.13"),
        ("python", "bootstrap makes python:3.11 and python:3.13"),
        ("redis:6", "bootstrap makes redis:8 and redis:7"),
        ("redis:7.2-alpine", "bootstrap makes redis:8 and redis:7"),
        ("postgres:16", "bootstrap makes postgres:17 and postgres:15"),
        ("prometheus:v3.0.0", "bootstrap makes prom/prometheus:v2.53 and prom/prometheus:v2.42"),
        ("pgvector/pgvector:pg16", "bootstrap makes pgvector/pgvector:pg17"),
        ("ubuntu:24.04", "Ubuntu has other packages; debian:trixie is the nearest" + LISTED),
        ("mysql:8", "Debian has no MySQL; mariadb understands its clients" + LISTED),
    ],
)  # fmt: skip
def test_a_version_that_cannot_be_had_names_those_that_can(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        catalog.named(text)
    assert caught.value.message == f"{text} can't be made from Debian's packages"
    assert caught.value.hint == hint
    assert resolve.not_found(text).hint == (
        f"dockyard images lists what is there; dockyard pull gets more from a registry, {hint}"
    )
    reference = Reference.parse(text)
    assert resolve.remedy(reference, "check the network") == f"check the network; {hint}"


def test_bootstrap_takes_aliases_and_the_stored_name() -> None:
    assert catalog.named("debian:12").base.name == "debian:bookworm"
    assert catalog.named("localhost/python:3.13").base.name == "python:3.13"
    assert catalog.named("localhost/prom/prometheus:v2.53").base.name == "prom/prometheus:v2.53"


def test_no_two_bases_share_a_name() -> None:
    every = [name for base in catalog.everything() for name in (base.name, *base.aliases)]
    assert len(every) == len(set(every))

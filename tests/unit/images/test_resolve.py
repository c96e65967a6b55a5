"""Which image a name means."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.images import bases, resolve
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


def test_any_other_missing_image_names_what_can_be_made_here() -> None:
    error = resolve.not_found("nvidia/cuda:12.4.1")
    assert error.message == "No such image: nvidia/cuda:12.4.1"
    assert error.hint is not None
    assert bases.names() in error.hint
    assert "registry" in error.hint


@pytest.mark.parametrize("text", ["python:3.12", "nvidia/cuda:12.4.1", "python", "ubuntu:24.04"])
def test_bootstrap_refuses_what_it_cannot_make_and_names_the_choices(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bases.named(text)
    assert text in caught.value.message
    assert caught.value.hint == (
        "bootstrap makes debian:bookworm, debian:trixie, python:3.11, python:3.13"
    )


def test_bootstrap_takes_aliases_and_the_stored_name() -> None:
    assert bases.named("debian:12").name == "debian:bookworm"
    assert bases.named("localhost/python:3.13").name == "python:3.13"


def test_no_two_bases_share_a_name() -> None:
    every = [name for base in bases.BASES for name in (base.name, *base.aliases)]
    assert len(every) == len(set(every))

"""Whether a name that a batch runs is that of a service or of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.cli.compose import batch_service
from dockyard.errors import InvalidInput

FILE = "services:\n  embed: {image: 'x:${MISSING:?}'}\n  rare: {image: x, profiles: [rare]}\n"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["embed", "rare"])
def test_a_bare_name_is_a_service_of_the_directory(directory: Path, name: str) -> None:
    (directory / "compose.yaml").write_text(FILE)
    assert batch_service.file_of(name) == str(directory / "compose.yaml")


@pytest.mark.parametrize("name", [
    "other", "embed:latest", "docker.io/library/embed", "embed@sha256:0", "sha256:0",
])  # fmt: skip
def test_any_other_name_is_an_image(directory: Path, name: str) -> None:
    (directory / "compose.yaml").write_text(FILE)
    assert batch_service.file_of(name) == ""


def test_without_a_file_it_is_an_image(directory: Path) -> None:
    assert batch_service.file_of("embed") == ""


def test_a_broken_file_is_said_and_how_an_image_is_named(directory: Path) -> None:
    (directory / "compose.yaml").write_text("services: [embed]\n")
    with pytest.raises(InvalidInput, match=r"compose\.yaml") as error:
        batch_service.file_of("embed")
    assert "embed:latest" in (error.value.hint or "")

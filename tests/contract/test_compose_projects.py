"""Projects of several files, read as Docker Compose reads them.

A file of ``projects`` holds all files of one: each begins with a line such as
``-- compose.yaml --``. Before them may stand which of them are named, and which profiles.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.compose_oracle import Answer, Oracle, Question, ours

PROJECTS = sorted((Path(__file__).parents[1] / "data" / "compose" / "projects").glob("*.txt"))
PLACED = re.compile(r"(.+:[0-9]+:[0-9]+: .+|there is no file .+|couldn't find env file: .+)")


def unpacked(path: Path, directory: Path) -> Question:
    """The question that a project asks, with its files in a directory."""
    head, *rest = re.split(r"^-- (.+) --\n", path.read_text(), flags=re.MULTILINE)
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    said = dict(line.split(": ") for line in head.splitlines())
    names = said.get("files", "compose.yaml").split()
    return Question(
        files=tuple(str(directory / name) for name in names),
        directory=str(directory),
        profiles=tuple(said.get("profiles", "").split()),
    )


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Question]:
    return {path: unpacked(path, tmp_path_factory.mktemp(path.stem)) for path in PROJECTS}


@pytest.fixture(scope="module")
def answers(questions: dict[Path, Question]) -> dict[Path, Answer]:
    """What Docker Compose says."""
    found = Oracle(keeps=False).ask_all(list(questions.values()))
    return dict(zip(questions, found, strict=True))


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_a_project_is_what_docker_compose_makes_of_it(
    path: Path, questions: dict[Path, Question], answers: dict[Path, Answer]
) -> None:
    own = ours(questions[path])

    assert own.project == answers[path].project
    assert own.error is None or PLACED.fullmatch(own.error), own.error

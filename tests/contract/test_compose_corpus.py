"""Files of our own that cover the Compose Specification, read as Docker Compose reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.compose_oracle import (
    ENVIRONMENT,
    Answer,
    Oracle,
    Question,
    ours,
    request_of,
    selected,
)

from dockyard.compose.load import listing
from dockyard.compose.load.finish import normalised
from dockyard.compose.load.profiles import Selection
from dockyard.compose.load.reading import read
from dockyard.compose.load.render import raw
from dockyard.errors import DockyardError

CORPUS = Path(__file__).parents[1] / "data" / "compose"
RIGHT = sorted(CORPUS.glob("right/*.yaml"))
WRONG = sorted(CORPUS.glob("wrong/*.yaml"))
MANIFOLD = [
    CORPUS / "right" / f"{name}.yaml"
    for name in ("models", "networks-top", "profiles", "volumes-top", "webserver", "build-long")
]
OTHER_YAML = [CORPUS / "right" / "html-characters.yaml"]
"""Separators of lines in a text without others: Docker Compose leaves them bare, to be folded."""

HEADER = re.compile(r"# (with|profile|env-file): (.+)\n")
PLACED = re.compile(r".+\.yaml:[0-9]+:[0-9]+: .+|.*empty compose file.*")


def question(path: Path, *shown: str) -> Question:
    """A file's first line may name what is laid over it, a profile, or a file of variables."""
    header = HEADER.match(path.read_text())
    kind, value = header.groups() if header else ("", "")
    over = (str(CORPUS / value),) if kind == "with" else ()
    return Question(
        files=(str(path), *over),
        directory=str(CORPUS),
        profiles=(value,) if kind == "profile" else (),
        env_files=(str(CORPUS / value),) if kind == "env-file" else (),
        shown=shown or ("--format", "json"),
    )


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """Docker Compose, whose answers are kept between runs."""
    return Oracle()


@pytest.fixture(scope="module")
def answers(oracle: Oracle) -> dict[Path, Answer]:
    """What Docker Compose says of all files."""
    return asked(oracle, [*RIGHT, *WRONG])


def asked(oracle: Oracle, paths: Sequence[Path], *shown: str) -> dict[Path, Answer]:
    questions = [question(path, *shown) for path in paths]
    return dict(zip(paths, oracle.ask_all(questions), strict=True))


def test_the_corpus_is_large_enough() -> None:
    assert len(RIGHT) + len(WRONG) >= 150
    assert len(WRONG) >= 60


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_file_is_printed_as_docker_compose_prints_it(
    path: Path, answers: dict[Path, Answer]
) -> None:
    assert ours(question(path)) == Answer(answers[path].project, None)


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_file_is_refused_with_its_place(path: Path, answers: dict[Path, Answer]) -> None:
    assert answers[path].error is not None

    error = ours(question(path)).error

    assert error is not None
    assert PLACED.fullmatch(error), error


def test_files_are_printed_as_yaml_too(oracle: Oracle) -> None:
    theirs = asked(oracle, RIGHT, "--format", "yaml")

    own = {path: ours(question(path, "--format", "yaml")) for path in RIGHT}

    assert [path for path in RIGHT if own[path].project != theirs[path].project] == OTHER_YAML


def test_files_are_printed_with_their_variables(oracle: Oracle) -> None:
    """None gets its value, least of all a secret's.

    Some empty lists are ``null`` to Docker Compose then, which it refuses when it reads that.
    """
    theirs = asked(oracle, RIGHT, "--no-interpolate", "--format", "json")

    for path in RIGHT:
        own, other = uninterpolated(path) or "", theirs[path].project or ""
        assert own.replace("[]", "null") == other.replace("[]", "null")


def uninterpolated(path: Path) -> str | None:
    request = structs.replace(request_of(question(path)), interpolate=False)
    try:
        return raw(normalised(read(request, ENVIRONMENT), request), as_json=True)
    except DockyardError:  # numbers in quotes are read with the variables
        return None


def test_services_have_docker_composes_hashes(oracle: Oracle) -> None:
    theirs = asked(oracle, RIGHT, "--hash", "*")

    own = {path: hashes(path) for path in RIGHT}

    assert [path.stem for path in RIGHT if own[path] != theirs[path].project] == []


def hashes(path: Path) -> str:
    """Docker Compose reads files of labels first, and files of variables later."""
    selection = selected(question(path), resolve_environment=False)
    bare = {
        name: {key: value for key, value in service.items() if key != "label_file"}
        for name, service in selection.services.items()
    }
    selection = selection.with_services(bare)
    return "".join(f"{line}\n" for line in listing.hashes(selection, (), ""))


@pytest.mark.parametrize(
    ("flag", "lines"),
    [
        ("--services", listing.services),
        ("--images", lambda selection: listing.images(selection, "-")),
        ("--profiles", listing.profiles),
        ("--models", listing.models),
        ("--networks", lambda selection: listing.names(selection, "networks")),
        ("--volumes", lambda selection: listing.names(selection, "volumes")),
    ],
)
def test_single_facts_are_listed(
    flag: str, lines: Callable[[Selection], list[str]], oracle: Oracle
) -> None:
    """Docker Compose's order is another one each time."""
    theirs = asked(oracle, MANIFOLD, flag)

    own = {path: lines(selected(question(path))) for path in MANIFOLD}

    for path in MANIFOLD:
        assert sorted(own[path]) == sorted((theirs[path].project or "").splitlines())

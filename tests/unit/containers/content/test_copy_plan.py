"""Docker's rules for where ``cp`` puts things."""

from __future__ import annotations

import pytest

from dockyard.cli.commands.cp import split
from dockyard.containers.content import copy_plan
from dockyard.containers.content.copy_plan import Destination, Source, Target
from dockyard.errors import InvalidInput

FILE = Source("f", is_directory=False)
TREE = Source("d", is_directory=True)
CONTENTS = Source("d", is_directory=True, contents_only=True)


def there(path: str = "/x", **facts: bool) -> Destination:
    return Destination(path, **{"exists": True, **facts})


@pytest.mark.parametrize(
    ("source", "destination", "target"),
    [
        (FILE, there(is_directory=True), Target("/x", "f")),
        (FILE, there(), Target("/", "x")),
        (FILE, there("/a/b", exists=False), Target("/a", "b")),
        (FILE, there("b", exists=False), Target(".", "b")),
        (TREE, there(is_directory=True), Target("/x", "d")),
        (TREE, there("/a/new", exists=False), Target("/a", "new")),
        (TREE, there("/a/new/", exists=False, must_be_directory=True), Target("/a", "new")),
        (CONTENTS, there(is_directory=True), Target("/x", "")),
        (CONTENTS, there("/a/new", exists=False), Target("/a", "new")),
    ],
)
def test_targets(source: Source, destination: Destination, target: Target) -> None:
    assert copy_plan.plan(source, destination) == target


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        (TREE, there(), "cannot copy directory"),
        (FILE, there("/x/", must_be_directory=True), "no such directory"),
        (FILE, there("/x/", exists=False, must_be_directory=True), "no such directory"),
    ],
)
def test_what_cannot_be(source: Source, destination: Destination, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        copy_plan.plan(source, destination)


@pytest.mark.parametrize(
    ("path", "name", "contents"),
    [("/a/b", "b", False), ("/a/b/", "b", False), ("/a/b/.", "b", True), ("/", "", True),
     (".", "", True), ("a", "a", False)],
)  # fmt: skip
def test_names_of_sources(path: str, name: str, contents: bool) -> None:
    assert (copy_plan.source_name(path), copy_plan.contents_only(path)) == (name, contents)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("box:/x", ("box", "/x")), ("box:x", ("box", "x")), ("./a:b", (None, "./a:b")),
        ("/a:b", (None, "/a:b")), ("-", (None, "-")), ("plain", (None, "plain")),
        (":x", (None, ":x")),
    ],
)  # fmt: skip
def test_containers_and_paths(text: str, parts: tuple[str | None, str]) -> None:
    assert split(text) == parts

from __future__ import annotations

import pytest

from dockyard.build.dockerfile.directives import (
    CheckOptions,
    check_options,
    check_syntax,
    is_own_frontend,
    parse_check,
)
from dockyard.build.dockerfile.lexer import lex
from dockyard.errors import BuildError, InvalidInput


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("docker/dockerfile", True), ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1.7-labs", True), ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile:1@sha256:" + "0" * 64, True), ("example/dockerfile:1", False),
        ("docker/dockerfile-evil", False), ("evil.example/docker/dockerfile", False),
    ],
)  # fmt: skip
def test_whose_frontend(text: str, own: bool) -> None:
    assert is_own_frontend(text) is own


def test_the_command_line_counts_instead_of_the_directive() -> None:
    directives = lex("# syntax=other/front\nFROM a\n").directives
    with pytest.raises(BuildError, match="other/front"):
        check_syntax(directives, {})
    check_syntax(directives, {"BUILDKIT_SYNTAX": "docker/dockerfile:1"})
    with pytest.raises(InvalidInput, match="x/y"):
        check_syntax((), {"BUILDKIT_SYNTAX": "x/y"})


def test_check_options() -> None:
    options = parse_check("skip=StageNameCasing, JSONArgsRecommended;error=true")
    assert options == CheckOptions(
        skip=frozenset({"StageNameCasing", "JSONArgsRecommended"}), error=True
    )
    assert options.skips("StageNameCasing")
    assert not options.skips("Other")
    assert parse_check("skip=all").skips("Other")
    directives = lex("# check=error=true\nFROM a\n").directives
    assert check_options(directives, {}).error
    assert not check_options(directives, {"BUILDKIT_DOCKERFILE_CHECK": "skip=all"}).error


@pytest.mark.parametrize("value", ["skip", "nonsense=1", "error=maybe"])
def test_bad_check_options_show_their_line(value: str) -> None:
    with pytest.raises(BuildError) as caught:
        check_options(lex(f"# check={value}\nFROM a\n").directives, {})
    assert "Dockerfile:1" in (caught.value.context or "")

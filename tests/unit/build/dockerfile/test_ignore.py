from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.ignore import IgnoreRules, _expression, compile_patterns
from dockyard.errors import BuildError


@pytest.mark.parametrize(
    ("patterns", "excluded", "kept"),
    [
        ("a", ["a", "a/b", "a/b/c"], ["ab", "b/a"]),
        ("/a/", ["a", "a/b"], ["b/a"]),
        ("./a/../b", ["b"], ["a"]),
        ("*", ["a", "a/b"], ["."]),
        ("*.py", ["a.py", "a.py/x"], ["d/a.py", "a.pyc"]),
        ("*/*.py", ["d/a.py"], ["a.py", "d/e/a.py"]),
        ("**/*.py", ["a.py", "d/a.py", "d/e/a.py"], ["a.pyc"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("**/a", ["a", "b/a", "b/a/c"], ["ba"]),
        ("**a", ["a", "ba", "b/ca"], ["ab"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "x/a/b"]),
        ("**", ["a", "a/b"], ["."]),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("[!a]x", ["!x", "ax"], ["bx"]),
        (r"a\*b", ["a*b"], ["axb"]),
        (r"x\[1\]", ["x[1]"], ["x1"]),
        ("a.b+c(d)", ["a.b+c(d)"], ["axb+c(d)"]),
        ("# comment\n #kept", ["#kept"], ["comment"]),
        ("", [], ["a"]),
        ("\ufeffa\r\nb\r\n", ["a", "b"], ["c"]),
    ],
)
def test_patterns(patterns: str, excluded: list[str], kept: list[str]) -> None:
    rules = compile_patterns(patterns)
    assert [path for path in excluded if not rules.excludes(path)] == []
    assert [path for path in kept if rules.excludes(path)] == []


@pytest.mark.parametrize(
    ("patterns", "excluded", "kept"),
    [
        ("*\n!a", ["b"], ["a", "a/b"]),
        ("*\n!a/b", ["a", "a/c"], ["a/b", "a/b/c"]),
        ("!a\na", ["a"], []),
        ("*.md\n!README*\nREADME-secret.md", ["x.md", "README-secret.md"], ["README.md"]),
        ("**\n!**/*.txt", ["a/b"], ["a/b.txt"]),
        ("! a \n*", ["a"], []),
    ],
)
def test_the_last_match_decides(patterns: str, excluded: list[str], kept: list[str]) -> None:
    rules = compile_patterns(patterns)
    assert [path for path in excluded if not rules.excludes(path)] == []
    assert [path for path in kept if rules.excludes(path)] == []


def test_a_walker_may_skip_directories_that_nothing_brings_back() -> None:
    rules = compile_patterns("*\n!src/*.py\n!docs/**/keep")
    assert rules.may_reinclude_below("src")
    assert rules.may_reinclude_below("docs/a/b")
    assert not rules.may_reinclude_below("node_modules")
    assert not rules.may_reinclude_below("src/sub.d")
    assert not compile_patterns("*").may_reinclude_below("a")
    assert not IgnoreRules().excludes("a")


@pytest.mark.parametrize("pattern", ["[a", "a\\", "[]", "[a-]", "[z-a]", "!", "!/", "! "])
def test_bad_patterns_name_their_line(pattern: str) -> None:
    with pytest.raises(BuildError) as caught:
        compile_patterns(f"ok\n{pattern}", filename="ctx/.dockerignore")
    assert (caught.value.context or "").startswith("ctx/.dockerignore:2\n   2 | >>> ")


PATHS = st.lists(st.sampled_from(["a", "b", "ab", "a.b"]), min_size=1, max_size=4).map("/".join)
PATTERNS = st.lists(st.text("ab*?/!.[]^-\\", max_size=6), max_size=4).map("\n".join)


@given(PATTERNS, PATHS)
def test_pruning_never_loses_a_kept_path(patterns: str, path: str) -> None:
    try:
        rules = compile_patterns(patterns)
    except BuildError:
        return
    parts = path.split("/")
    parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    pruned = any(rules.excludes(each) and not rules.may_reinclude_below(each) for each in parents)
    if pruned:
        assert rules.excludes(path)


@given(st.text("ab*?/[]^\\", max_size=12), st.text("ab/[", max_size=12))
def test_stars_find_the_same_without_trying_every_place(pattern: str, path: str) -> None:
    try:
        expression = _expression(pattern)
    except BuildError:
        return
    every = expression.replace("(?>", "(?:").replace("[^/]*?", "[^/]*")
    assert bool(re.fullmatch(expression, path, re.S)) == bool(re.fullmatch(every, path, re.S))


def test_many_stars_take_no_time() -> None:
    """Name and pattern may both be a hostile context's; this would take years."""
    rules = compile_patterns(f"{'*a' * 40}b\n{'**/' * 40}c\n")
    assert not rules.excludes("a" * 250)
    assert not rules.excludes("a/" * 1000)

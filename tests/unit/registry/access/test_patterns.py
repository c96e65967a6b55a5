"""Which repositories a pattern means."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput
from dockyard.registry.access import patterns

COMPONENT = st.text("ab.", min_size=1, max_size=4)
NAMES = st.lists(COMPONENT, min_size=1, max_size=5).map("/".join)
PATTERNS = st.lists(
    st.just("**") | st.text("ab.*", min_size=1, max_size=4).filter(lambda one: "**" not in one),
    min_size=1, max_size=5,
).map("/".join)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("team-a/app", "team-a/app", True),
        ("team-a/app", "team-a/app2", False),
        ("team-a/*", "team-a/app", True),
        ("team-a/*", "team-a/app/web", False),
        ("team-a/**", "team-a/app/web", True),
        ("team-a/**", "team-a", False),
        ("team-a/**", "team-ab/app", False),
        ("team-a/**", "x/team-a/app", False),
        ("**", "anything/at/all", True),
        ("*", "anything", True),
        ("*", "two/parts", False),
        ("**/cache", "cache", True),
        ("**/cache", "a/b/cache", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/c", False),
        ("app-*-dev", "app-x-dev", True),
        ("app-*-dev", "app-dev", False),
        ("*a*a*", "aa", True),
        ("*a*a*", "xa", False),
    ],
)
def test_a_pattern_means_these(pattern: str, name: str, *, found: bool) -> None:
    assert patterns.matches(patterns.check(pattern), name) is found


@pytest.mark.parametrize(
    "pattern", ["", "/", "a//b", "/a", "a/", "a/**b", "a***", "A", "a b", "a\n", "../a?", "a" * 256]
)
def test_what_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput):
        patterns.check(pattern)


@given(PATTERNS, NAMES)
def test_it_is_what_an_expression_says(pattern: str, name: str) -> None:
    assert patterns.matches(pattern, name) is bool(_expression(pattern).fullmatch(name))


def _expression(pattern: str) -> _Slashed:
    """Each component with its slash; ``**`` at the end stands for one at least."""
    parts = pattern.split("/")
    said = ""
    for position, part in enumerate(parts):
        if part == "**":
            said += "(?:[^/]+/)+" if position == len(parts) - 1 else "(?:[^/]+/)*"
        else:
            said += "[^/]*".join(map(re.escape, part.split("*"))) + "/"
    return _Slashed(said)


class _Slashed:
    def __init__(self, said: str) -> None:
        self._said = re.compile(said)

    def fullmatch(self, name: str) -> re.Match[str] | None:
        return self._said.fullmatch(f"{name}/")


def test_no_name_takes_long() -> None:
    pattern = "/".join(["**", "*a" * 20, "**"] * 4)[:255].rstrip("/")
    begun = time.monotonic()
    patterns.matches(pattern, "/".join(["a" * 30] * 8))
    assert time.monotonic() - begun < 0.5


@given(st.lists(PATTERNS, max_size=4), NAMES)
def test_several_patterns_mean_what_one_of_them_means(several: list[str], name: str) -> None:
    found = patterns.Several(several).match(name)

    assert found is any(patterns.matches(one, name) for one in several)

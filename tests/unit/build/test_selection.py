from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.selection import EVERYTHING, Selection

PATHS = st.lists(st.sampled_from(["a", "b", "c.txt", "d.md"]), min_size=1, max_size=4).map("/".join)
PATTERNS = st.lists(st.sampled_from(["*", "**", "a", "b", "*.txt", "c.txt"]), min_size=1,
                    max_size=3).map("/".join)  # fmt: skip


@pytest.mark.parametrize(
    ("exclude", "include", "path", "kept"),
    [
        (("*.txt",), "", "a.txt", False), (("*.txt",), "", "d/a.txt", True),
        (("**/*.txt",), "", "d/a.txt", False), (("*.md", "!k.md"), "", "k.md", True),
        (("d",), "", "d/e/f", False), ((), "d", "d/e", True), ((), "d", "e/d", False),
        ((), "**/*.c", "x/y.c", True), (("**/y.c",), "**/*.c", "x/y.c", False),
        ((), "d/e", "d", False),
    ],
)  # fmt: skip
def test_which_paths_count(exclude: tuple[str, ...], include: str, path: str, kept: bool) -> None:
    assert Selection(exclude, include).keeps(path) is kept


def test_everything_counts_by_default() -> None:
    assert EVERYTHING.keeps("any/path")


@given(st.lists(PATTERNS, max_size=3), PATTERNS, PATHS)
def test_what_is_kept_is_found_by_a_walk(exclude: list[str], include: str, path: str) -> None:
    """A walk goes into a directory if it is kept itself or may hold something that is."""
    selection = Selection(exclude, include)
    if not selection.keeps(path):
        return
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        assert selection.keeps(above) or selection.may_keep_below(above)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockyard.images.packages.model import Files, Part
from dockyard.images.packages.moves import renames


def files(*paths: str, fixed: tuple[str, ...] = ()) -> Files:
    return Files(sizes=dict.fromkeys(paths, 1), symlinks=(), groups=(), fixed=fixed)


def test_a_directory_goes_as_a_whole() -> None:
    found = renames(files("s/a/x/1", "s/a/2", "s/b/3"), [Part(("s/a/2", "s/a/x/1"), "a")])

    assert found == (("s/a",),)


def test_the_top_never_goes() -> None:
    assert renames(files("a/1"), [Part(("a/1",), "a")]) == (("a",),)
    assert renames(files("1"), [Part(("1",), "a")]) == (("1",),)


def test_a_directory_in_which_something_stays_is_taken_apart() -> None:
    """A whiteout or an empty directory, or a file of another part, at any depth."""
    part = Part(("a/1", "a/x/2"), "a")

    assert renames(files("a/1", "a/x/2", fixed=("a",)), [part]) == (("a/1", "a/x"),)
    assert renames(files("a/1", "a/x/2", fixed=("a/x",)), [part]) == (("a/1", "a/x/2"),)
    assert renames(files("a/1", "a/x/2", fixed=("a/e/f",)), [part]) == (("a/1", "a/x"),)
    assert renames(files("a/1", "a/x/2", "a/y/3"), [part]) == (("a/1", "a/x"),)


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(PATHS.map(lambda path: f"{path}/f"), st.integers(-1, 2)), st.sets(PATHS))
def test_what_is_renamed_is_what_the_parts_have(places: dict[str, int], fixed: set[str]) -> None:
    parts = [
        Part(tuple(sorted(p for p, n in places.items() if n == each)), "") for each in range(3)
    ]
    found = renames(files(*places, fixed=tuple(fixed)), parts)

    for part, paths in zip(parts, found, strict=True):
        below = [p for path in paths for p in places if f"{p}/".startswith(f"{path}/")]
        assert sorted(below) == list(part.paths)
        assert not any(f"{each}/".startswith(f"{path}/") for path in paths for each in fixed)

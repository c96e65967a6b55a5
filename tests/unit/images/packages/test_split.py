from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.images.packages.budget import Level, level
from dockyard.images.packages.model import UNDIVIDED, Distribution, Files, Part
from dockyard.images.packages.split import ALONE_BYTES, note, source_of, split

ROOMY = Level(48, 8)
Claims = list[tuple[str, int]]


def dist(name: str, place: str = "site", version: str = "1") -> Distribution:
    return Distribution(name=name, version=version, key=name, place=place)


def files(*paths: str, groups: Sequence[tuple[str, ...]] = (), large: str = "") -> Files:
    found = dict.fromkeys(paths, 10) | ({large: ALONE_BYTES} if large else {})
    return Files(sizes=found, symlinks=frozenset(), groups=tuple(groups))


def where(parts: Sequence[Part]) -> dict[str, str]:
    """Each path that goes somewhere, with what the history says of the layer."""
    return {path: part.note for part in parts for path in part.paths}


def test_without_distributions_nothing_is_divided() -> None:
    assert split(files("a", "b"), [], [], ROOMY) == ((), UNDIVIDED)


def test_a_large_distribution_has_a_layer_of_its_own_and_small_ones_share() -> None:
    small = [dist(f"small{n}") for n in range(40)]
    claims: Claims = [("torch.so", 0)] + [(f"s{n}", n + 1) for n in range(40)]
    parts, division = split(
        files(*(f"s{n}" for n in range(40)), large="torch.so"),
        [dist("torch", version="2.9.0"), *small], claims, ROOMY,
    )  # fmt: skip

    assert len(parts) == 1 + 8
    assert parts[-1] == Part(("torch.so",), "torch 2.9.0")
    assert division.alone == 1
    assert division.notes == ("", *(part.note for part in parts))


def test_what_two_distributions_claim_stays() -> None:
    claims: Claims = [("x/__init__.py", 0), ("x/a.py", 0), ("x/__init__.py", 1), ("x/b.py", 1)]
    parts, _ = split(
        files("x/__init__.py", "x/a.py", "x/b.py"), [dist("a"), dist("b")], claims, ROOMY
    )

    assert set(where(parts)) == {"x/a.py", "x/b.py"}


def test_a_compiled_file_goes_where_its_source_goes() -> None:
    tree = files(
        "x/a.py", "x/__pycache__/a.cpython-311.pyc", "x/__pycache__/a.cpython-311.opt-2.pyc",
        "x/b.py", "x/__pycache__/b.cpython-311.pyc", "x/__pycache__/gone.cpython-311.pyc",
    )  # fmt: skip
    claims: Claims = [
        ("x/a.py", 0), ("x/__pycache__/b.cpython-311.pyc", 0),
        ("x/__pycache__/gone.cpython-311.pyc", 0),
    ]  # fmt: skip
    parts, _ = split(tree, [dist("a")], claims, ROOMY)

    assert set(where(parts)) == set(tree.sizes) - {"x/b.py", "x/__pycache__/b.cpython-311.pyc"}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("p/__pycache__/m.cpython-311.pyc", "p/m.py"),
        ("__pycache__/m.cpython-313t.opt-1.pyc", "m.py"),
        ("p/__pycache__/a.b.cpython-311.pyc", "p/a.b.py"),
        ("p/__pycache__/m.pypy39.pyc", "p/m.py"),
        ("p/__pycache__/test_x.cpython-311-pytest-7.4.4.pyc", None),
        ("p/m.pyc", None),
        ("p/__pycache__/.pyc", None),
    ],
)
def test_the_source_of_a_compiled_file(path: str, source: str | None) -> None:
    assert source_of(path) == source


@pytest.mark.parametrize(
    ("claims", "moved"),
    [
        ([("a", 0)], {"a", "cache/a"}),
        ([("a", 0), ("cache/a", 1)], set()),
        ([], set()),
    ],
)
def test_names_of_one_file_go_together(claims: Claims, moved: set[str]) -> None:
    tree = files("a", "cache/a", groups=[("a", "cache/a")])
    parts, _ = split(tree, [dist("one"), dist("two")], claims, ROOMY)

    assert set(where(parts)) == moved


def test_where_layers_run_out_the_largest_come_first() -> None:
    found = [dist(f"d{n}") for n in range(9)]
    sizes = {f"f{n}": ALONE_BYTES + n for n in range(9)}
    claims: Claims = [(f"f{n}", n) for n in range(9)]
    parts, division = split(Files(sizes=sizes, symlinks=(), groups=()), found, claims, Level(8, 2))

    assert len(parts) <= 7
    assert division.alone == 9
    assert [part.note for part in parts[-5:]] == [f"d{n} 1" for n in range(4, 9)]


def test_with_one_layer_all_stays() -> None:
    parts, division = split(files("a"), [dist("a")], [("a", 0)], level(64, 0))

    assert parts == ()
    assert division.budget == 1


def test_a_long_note_ends_with_a_number() -> None:
    text = note([dist(f"distribution-{n:04}") for n in range(500)])

    assert len(text) < 2100
    assert text.endswith(" more")
    assert text.startswith("distribution-0000 1, distribution-0001 1, ")


NAMES = st.sampled_from([f"p{n}" for n in range(12)])
PATHS = st.sampled_from(
    [f"{d}{f}" for d in ("", "x/", "x/__pycache__/") for f in
     ("a.py", "b.py", "a.cpython-311.pyc", "b.cpython-311.pyc", "data", "lib.so")]
)  # fmt: skip
SIZES = st.sampled_from([0, 10, ALONE_BYTES - 1, ALONE_BYTES, 3 * ALONE_BYTES])


@st.composite
def installations(draw: st.DrawFn) -> tuple[Files, list[Distribution], Claims]:
    sizes = draw(st.dictionaries(PATHS, SIZES))
    links = draw(st.sets(st.sampled_from(["x/link", "y"])))
    names = draw(st.lists(NAMES, unique=True, max_size=8))
    paths = sorted(sizes)
    groups = []
    if len(paths) > 3 and draw(st.booleans()):
        group = tuple(draw(st.permutations(paths)))[:3]
        groups = [tuple(sorted(group))]
        sizes |= dict.fromkeys(group, sizes[group[0]])
    claims: Claims = []
    if names:
        everything = [*paths, *sorted(links), "not/there"]
        numbers = st.integers(0, len(names) - 1)
        claims = draw(st.lists(st.tuples(st.sampled_from(everything), numbers), max_size=20))
    found = Files(sizes=sizes, symlinks=frozenset(links), groups=tuple(groups))
    return found, [dist(name) for name in names], claims


LEVELS = st.integers(0, 70).map(lambda below: level(below, 0))


@given(installations(), LEVELS)
def test_each_path_is_in_one_layer_and_there_are_not_too_many(
    given_: tuple[Files, list[Distribution], Claims], room: Level
) -> None:
    tree, found, claims = given_
    parts, division = split(tree, found, claims, room)
    moved = [path for part in parts for path in part.paths]

    assert len(moved) == len(set(moved))
    assert set(moved) <= {*tree.sizes, *tree.symlinks}  # whiteouts and devices are neither
    assert all(part.paths for part in parts)
    assert 1 + len(parts) <= room.layers
    assert len(division.notes) in {0, 1 + len(parts)}
    for group in tree.groups:
        places = {next((n for n, part in enumerate(parts) if p in part.paths), -1) for p in group}
        assert len(places) == 1


@given(installations(), LEVELS, st.randoms())
def test_the_order_of_what_is_found_does_not_matter(
    given_: tuple[Files, list[Distribution], Claims], room: Level, random: object
) -> None:
    tree, found, claims = given_
    order = list(range(len(found)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = [found[number] for number in order]
    renumbered = [(path, order.index(number)) for path, number in reversed(claims)]

    assert split(tree, moved, renumbered, room) == split(tree, found, claims, room)


@given(installations(), NAMES, SIZES, st.sampled_from([24, 32, 48]))
def test_another_distribution_moves_none_of_the_others(
    given_: tuple[Files, list[Distribution], Claims], name: str, size: int, layers: int
) -> None:
    """With its own files, and while layers don't run out."""
    tree, found, claims = given_
    if name in {each.key for each in found}:
        return
    room = Level(layers, 8)
    before, _ = split(tree, found, claims, room)
    more = Files(sizes={**tree.sizes, "new/file": size}, symlinks=tree.symlinks, groups=tree.groups)
    after, _ = split(more, [*found, dist(name)], [*claims, ("new/file", len(found))], room)

    assert _together(before) <= _together(after)
    without = {tuple(p for p in part.paths if p != "new/file") for part in after} - {()}
    assert without == {part.paths for part in before}


def _together(parts: Sequence[Part]) -> set[tuple[str, str]]:
    return {(one, other) for part in parts for one in part.paths for other in part.paths}

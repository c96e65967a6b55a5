from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.build.context import Tree, open_context
from dockyard.errors import BuildError, HostileInput, InvalidInput
from dockyard.system.files import remove_tree


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt", "[odd]", "sp ace"):
        file = tmp_path / "context" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "context"


def matched(base: Path, pattern: str) -> list[str]:
    with open_context(str(base), None) as tree:
        return [entry.path for entry in tree.match(pattern)]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("a.txt", ["a.txt"]), ("/a.txt", ["a.txt"]), ("./dir/../a.txt", ["a.txt"]),
        ("*.txt", ["a.txt", "b.txt"]), ("?.txt", ["a.txt", "b.txt"]), ("[a]*", ["a.txt"]),
        ("dir/*", ["dir/c.txt", "dir/sub"]), ("d*/s*/d.txt", ["dir/sub/d.txt"]),
        ("\\[odd]", ["[odd]"]), ("[^a-z]odd*", ["[odd]"]), (".", [""]), ("dir/", ["dir"]),
        ("sp ace", ["sp ace"]), ("../../../a.txt", ["a.txt"]),
    ],
)  # fmt: skip
def test_sources_match_as_in_go(base: Path, pattern: str, paths: list[str]) -> None:
    assert matched(base, pattern) == paths


@pytest.mark.parametrize("pattern", ["missing", "*.md", "dir/*/nothing", "a.txt/b"])
def test_what_matches_nothing_is_an_error(base: Path, pattern: str) -> None:
    with pytest.raises(BuildError, match="not found"):
        matched(base, pattern)


def test_links_stay_inside(base: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (base / "up").symlink_to("../secret")
    (base / "abs").symlink_to(tmp_path / "secret")
    (base / "loop").symlink_to("loop")
    (base / "in").symlink_to("/dir/c.txt")

    for name in ("up", "abs", "loop"):
        with pytest.raises(BuildError, match="not found"):
            matched(base, name)
    assert matched(base, "in") == ["dir/c.txt"]


def test_what_a_link_leads_to_has_the_links_name(base: Path) -> None:
    (base / "link-1").symlink_to("a.txt")
    (base / "link-2").symlink_to("link-1")

    with open_context(str(base), None) as tree:
        found = tree.match("link-*")
        assert [(each.path, each.name) for each in found] == [
            ("a.txt", "link-1"), ("a.txt", "link-2"),
        ]  # fmt: skip
        assert len({tree.digest(each) for each in (*found, *tree.match("a.txt"))}) == 3


def test_ignored_files_are_not_there(base: Path) -> None:
    (base / ".dockerignore").write_text("*.txt\n!b.txt\ndir/*\n!dir/sub\n")

    assert matched(base, "*.txt") == ["b.txt"]
    with pytest.raises(BuildError, match="not found"):
        matched(base, "a.txt")
    with open_context(str(base), None) as tree:
        (top,) = tree.match("dir")
        assert [entry.path for entry in tree.walk(top)] == ["dir/sub", "dir/sub/d.txt"]


def test_links_do_not_lead_to_ignored_files(base: Path) -> None:
    (base / ".dockerignore").write_text("a.txt\ndir/c.txt\nlink-out\n")
    (base / "link").symlink_to("a.txt")
    (base / "dlink").symlink_to("dir")
    (base / "link-out").symlink_to("b.txt")

    for name in ("link", "dlink/c.txt", "dl*/c*", "link-out"):
        with pytest.raises(BuildError, match="not found"):
            matched(base, name)
    assert matched(base, "dlink/sub") == ["dir/sub"]


@pytest.mark.parametrize("kept", ["dir/sub/d.txt", "**/d.txt"])
def test_a_pattern_finds_the_directories_of_what_is_brought_back(base: Path, kept: str) -> None:
    (base / ".dockerignore").write_text(f"*\n!{kept}\n")
    (base / "other").mkdir()
    (base / "other" / "x").touch()

    assert matched(base, "*") == ["dir"]
    with pytest.raises(BuildError, match="not found"):
        matched(base, "a.txt")
    with open_context(str(base), None) as tree:
        paths = [entry.path for entry in tree.walk(tree.match(".")[0])]
    assert paths == ["dir", "dir/sub", "dir/sub/d.txt"]


def make_deep(base: Path, count: int) -> None:
    deep = os.open(base, os.O_RDONLY)
    for _ in range(count):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)


def test_a_path_too_long_for_the_kernel_is_refused(base: Path) -> None:
    make_deep(base, 2100)
    with open_context(str(base), None) as tree, pytest.raises(HostileInput, match="too deep"):
        tree.digest(tree.entry("d"))
    remove_tree(str(base / "d"))


def test_a_very_deep_tree_is_walked(base: Path) -> None:
    make_deep(base, 1500)
    with open_context(str(base), None) as tree:
        assert sum(1 for _ in tree.walk(tree.match("d")[0])) == 1499
    remove_tree(str(base / "d"))


def test_the_dockerfiles_own_ignore_file_wins(base: Path) -> None:
    (base / ".dockerignore").write_text("a.txt\n")
    (base / "My.Dockerfile.dockerignore").write_text("b.txt\n")
    with open_context(str(base), f"{base}/My.Dockerfile") as tree:
        assert [entry.path for entry in tree.match("*.txt")] == ["a.txt"]


def digest(base: Path) -> str:
    with Tree(str(base)) as tree:
        return tree.digest(tree.entry("."))


def test_the_digest_is_of_content_names_and_modes_only(base: Path) -> None:
    first = digest(base)
    os.utime(base / "a.txt", (1, 1))
    os.chown(base / "a.txt", 1234, 1234) if os.geteuid() == 0 else None
    assert digest(base) == first

    seen = {first}
    for change in (
        lambda: (base / "a.txt").write_text("changed"),
        lambda: (base / "a.txt").chmod(0o755),
        lambda: (base / "a.txt").rename(base / "z.txt"),
        lambda: (base / "link").symlink_to("b.txt"),
        (base / "empty").mkdir,
    ):
        change()
        assert digest(base) not in seen
        seen.add(digest(base))


def test_no_context_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="unable to prepare context"):
        open_context(str(tmp_path / "missing"), None)


def test_many_stars_take_no_time(base: Path) -> None:
    """Name and pattern may both be a hostile context's; this would take years."""
    (base / ("a" * 250)).touch()
    with pytest.raises(BuildError, match="not found"):
        matched(base, "*a" * 40 + "b")
    assert matched(base, "*a" * 40) == ["a" * 250]
    assert matched(base, "*t*t") == ["a.txt", "b.txt"]

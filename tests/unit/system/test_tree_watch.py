"""Noticing changes in directory trees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dockyard.system.tree_watch import TreeWatch


def changes(watch: TreeWatch, *expected: Path) -> set[str]:
    """All that is told until the expected paths are, or nothing more comes."""
    found: set[str] = set()
    while not {str(path) for path in expected} <= found:
        more = watch.changes(5)
        if not more:
            break
        found |= more
    return found


def test_files_that_are_made_written_moved_and_deleted_are_noticed(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    with TreeWatch() as watch:
        watch.add(str(tmp_path))
        assert watch.changes(0) == set()
        (deep / "new").write_text("x")
        assert str(deep / "new") in changes(watch, deep / "new")
        (deep / "new").rename(tmp_path / "moved")
        assert {str(deep / "new"), str(tmp_path / "moved")} <= changes(
            watch, deep / "new", tmp_path / "moved"
        )
        (tmp_path / "moved").unlink()
        assert str(tmp_path / "moved") in changes(watch, tmp_path / "moved")


def test_directories_that_come_later_are_watched_with_what_is_in_them(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "in").mkdir(parents=True)
    (outside / "in" / "file").write_text("x")
    tree = tmp_path / "tree"
    tree.mkdir()
    with TreeWatch() as watch:
        watch.add(str(tree))
        shutil.move(outside, tree / "came")
        assert str(tree / "came" / "in" / "file") in changes(watch, tree / "came" / "in" / "file")
        (tree / "came" / "in" / "later").write_text("x")
        assert str(tree / "came" / "in" / "later") in changes(watch, tree / "came" / "in" / "later")


def test_a_single_file_is_watched_though_editors_replace_it(tmp_path: Path) -> None:
    file = tmp_path / "conf"
    file.write_text("1")
    with TreeWatch() as watch:
        watch.add(str(file))
        (tmp_path / "other").write_text("x")
        (tmp_path / "other").rename(file)
        assert changes(watch, file) == {str(file)}


def test_what_nobody_wants_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "skipped").mkdir()
    with TreeWatch(lambda path: not path.endswith("skipped")) as watch:
        watch.add(str(tmp_path))
        (tmp_path / "skipped" / "file").write_text("x")
        (tmp_path / "last").write_text("x")
        assert changes(watch, tmp_path / "last") == {str(tmp_path / "last")}


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with TreeWatch() as watch, pytest.raises(FileNotFoundError):
        watch.add(str(tmp_path / "missing"))

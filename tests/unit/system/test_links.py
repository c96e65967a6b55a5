"""Whose links are followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.system.links import foreign_link

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives links to others")


def test_links_of_ones_own_are_followed(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "link").symlink_to("./to/../to")
    assert foreign_link(str(tmp_path / "link/file")) is None
    assert foreign_link(str(tmp_path / "none/file")) is None


@needs_root
def test_a_foreign_link_is_found_behind_others(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "inner").symlink_to(tmp_path / "to")
    (tmp_path / "outer").symlink_to("inner")
    os.chown(tmp_path / "inner", 1000, 1000, follow_symlinks=False)
    assert foreign_link(str(tmp_path / "outer/file")) == str(tmp_path / "inner")
    os.chown(tmp_path / "to", 1000, 1000)
    assert foreign_link(str(tmp_path / "outer/file")) is None


@needs_root
def test_a_link_to_nothing_is_judged_by_where_that_would_be(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a/b")
    os.chown(tmp_path / "link", 1000, 1000, follow_symlinks=False)
    assert foreign_link(str(tmp_path / "link")) == str(tmp_path / "link")
    os.chown(tmp_path, 1000, 1000)
    assert foreign_link(str(tmp_path / "link")) is None


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        foreign_link(str(tmp_path / "a"))

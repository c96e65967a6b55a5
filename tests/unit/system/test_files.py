from __future__ import annotations

import concurrent.futures
import contextlib
import os
import time
from pathlib import Path

import pytest

from dockyard.system import files


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    files.write_atomically(str(path), b"old", mode=0o640)
    assert path.stat().st_mode & 0o777 == 0o640

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_tree_is_removed_but_nothing_behind_its_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "a" / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("nowhere")
    os.mkfifo(tree / "fifo")
    (tree / "a" / "b").chmod(0)
    files.remove_tree(str(tree))

    assert not tree.exists()
    assert (outside / "kept").exists()


def test_a_link_in_place_of_the_tree_is_removed_itself(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to("outside")
    files.remove_tree(str(tmp_path / "link"))

    assert os.listdir(tmp_path) == ["outside"]


def test_missing_is_fine(tmp_path: Path) -> None:
    files.remove_tree(str(tmp_path / "missing"))


def test_a_tree_is_removed_though_somebody_still_writes_there(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    deadline = time.monotonic() + 0.2

    def write() -> None:
        with contextlib.suppress(FileNotFoundError):
            while time.monotonic() < deadline:
                (tree / os.urandom(4).hex()).touch()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        files.remove_tree_in_use(str(tree), 30)
        writing.result()

    assert os.listdir(tmp_path) == []


def test_whoever_writes_without_end_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    remove = os.rmdir

    def late(path: str, **options: int) -> None:
        (tree / "again").touch()
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", late)
    with pytest.raises(OSError, match="not empty"):
        files.remove_tree_in_use(str(tree), 0.01)


def test_a_very_deep_tree_is_removed(tmp_path: Path) -> None:
    deep = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    files.remove_tree(str(tmp_path / "d"))

    assert os.listdir(tmp_path) == []


def test_the_size_counts_every_file_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "sub").mkdir()
    os.link(tmp_path / "a", tmp_path / "sub" / "b")
    (tmp_path / "sub" / "c").write_bytes(b"x" * 7)
    (tmp_path / "link").symlink_to("a")

    assert files.tree_size(str(tmp_path)) == 107


def test_the_size_of_a_tree_that_changes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each inode counts once, symlinks lead nowhere, what has gone doesn't count."""
    tree, other = tmp_path / "tree", tmp_path / "other"
    for directory in (tree / "sub", other):
        directory.mkdir(parents=True)
    (tree / "file").write_bytes(b"x" * 100)
    os.link(tree / "file", tree / "sub" / "again")
    (tree / "sub" / "more").write_bytes(b"x" * 10)
    (other / "much").write_bytes(b"x" * 10_000)
    assert files.tree_size(str(tree)) == 110
    assert files.tree_size(str(tmp_path / "missing")) == 0
    real = os.listdir

    def listdir(directory: int) -> list[str]:
        names = real(directory)
        if "sub" in names:
            os.rename(tree / "sub", tmp_path / "away")
            (tree / "sub").symlink_to(other)
            return [*names, "never"]
        return names

    monkeypatch.setattr(os, "listdir", listdir)
    assert files.tree_size(str(tree)) == 100

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockyard.system import copy
from dockyard.system.copy import copy_tree
from dockyard.system.files import remove_tree


def described(top: Path) -> dict[str, tuple[int, int, str | bytes]]:
    """Mode, time of change, and the content or the target of all that a tree has."""
    found: dict[str, tuple[int, int, str | bytes]] = {}
    for path in [top, *top.rglob("*")]:
        status = path.lstat()
        content: str | bytes = b""
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(top))] = (status.st_mode, status.st_mtime_ns, content)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "root" / "data").mkdir(parents=True)
    (tmp_path / "copy").mkdir()
    return tmp_path / "root" / "data"


def test_a_copy_is_the_same_tree(source: Path, tmp_path: Path) -> None:
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "file").write_bytes(b"x" * 1000)
    (source / "a" / "link").symlink_to("/nowhere")
    os.mkfifo(source / "fifo", 0o640)
    (source / "a" / "b").chmod(0o1750)
    for path in (source / "a" / "b" / "file", source / "a" / "b", source / "a", source):
        os.utime(path, (1, 2))
    copy_tree(str(tmp_path / "root"), "/data", str(tmp_path / "copy"))

    assert described(tmp_path / "copy") == described(source)


def before_each(monkeypatch: pytest.MonkeyPatch, happens: Callable[[str], None]) -> None:
    """Has something happen after an entry was looked at, and before it is copied."""
    real = copy._copy_entry

    def late(source: int, target: int, name: str, *rest: Any, **more: Any) -> None:
        happens(name)
        real(source, target, name, *rest, **more)

    monkeypatch.setattr(copy, "_copy_entry", late)


def test_what_is_removed_meanwhile_is_left_out(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "stays").write_text("x")
    (source / "gone").write_text("x")
    (source / "gone-link").symlink_to("x")
    (source / "gone-directory").mkdir()

    def remove(name: str) -> None:
        if name.startswith("gone"):
            (source / name).unlink()
        elif (source / "gone-directory").exists():
            (source / "gone-directory").rmdir()

    before_each(monkeypatch, remove)
    copy_tree(str(tmp_path / "root"), "/data", str(tmp_path / "copy"))
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied - {"gone-directory"} == {"stays"}


def test_a_target_that_is_removed_is_an_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "file").write_text("x")
    before_each(monkeypatch, lambda _name: (tmp_path / "copy").rmdir())
    with pytest.raises(FileNotFoundError):
        copy_tree(str(tmp_path / "root"), "/data", str(tmp_path / "copy"))


def test_a_very_deep_tree_is_copied_with_few_descriptors(source: Path, tmp_path: Path) -> None:
    deep = os.open(source, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=deep))
    os.close(deep)
    copy_tree(str(tmp_path / "root"), "/data", str(tmp_path / "copy"))

    assert (tmp_path / "copy" / "/".join(["d"] * 1500) / "end").exists()
    remove_tree(str(tmp_path / "copy"))
    remove_tree(str(source))

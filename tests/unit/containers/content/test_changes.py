"""``diff`` from an upper directory over layers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dockyard.containers.content.changes import changes
from dockyard.images.view import LowerView

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="whiteouts need root")


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for path in ("etc", "data/old"):
        (lower / path).mkdir(parents=True)
    (lower / "etc" / "passwd").write_text("root")
    (lower / "data" / "file").write_text("x")
    upper.mkdir()
    return lower, upper


def copy_up(lower: Path, upper: Path, path: str) -> Path:
    """A directory as overlayfs copies it up: with the times that it had."""
    (upper / path).mkdir(parents=True)
    before = (lower / path).stat()
    os.chmod(upper / path, stat.S_IMODE(before.st_mode))
    os.utime(upper / path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return upper / path


def shown(lower: Path, upper: Path, *made: str) -> list[str]:
    return [f"{one.kind} {one.path}" for one in changes(str(upper), LowerView([str(lower)]), made)]


def test_what_is_new_is_added_with_all_below(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    (upper / "new" / "in").mkdir(parents=True)
    (upper / "new" / "in" / "file").touch()

    assert shown(lower, upper) == ["A /new", "A /new/in", "A /new/in/file"]


def test_a_file_changed_in_place_leaves_its_directory_out(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    etc = copy_up(lower, upper, "etc")
    times = etc.stat()
    (etc / "passwd").write_text("changed")
    os.utime(etc, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert shown(lower, upper) == ["C /etc/passwd"]


def test_a_directory_has_changed_with_what_came_into_it(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    (copy_up(lower, upper, "etc") / "new").touch()

    assert shown(lower, upper) == ["C /etc", "A /etc/new"]


@needs_root
def test_whiteouts_delete_what_the_image_has(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    data = copy_up(lower, upper, "data")
    for name in ("file", "never-there"):
        os.mknod(data / name, stat.S_IFCHR, os.makedev(0, 0))

    assert shown(lower, upper) == ["C /data", "D /data/file"]


@needs_root
def test_an_opaque_directory_deletes_what_it_hides(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    (upper / "data").mkdir()
    try:
        os.setxattr(upper / "data", "trusted.overlay.opaque", b"y")
    except OSError:
        pytest.skip("no trusted attributes here")
    (upper / "data" / "file").write_text("again")

    assert shown(lower, upper) == ["C /data", "C /data/file", "D /data/old"]


def test_mount_points_of_the_engine_do_not_count(layers: tuple[Path, Path]) -> None:
    lower, upper = layers
    (copy_up(lower, upper, "etc") / "hosts").touch()
    (upper / "proc").mkdir()

    assert shown(lower, upper, "etc/hosts", "proc") == []
    (upper / "etc" / "hosts").write_text("not empty")
    assert shown(lower, upper, "etc/hosts", "proc") == ["C /etc", "A /etc/hosts"]


def test_directories_that_go_or_become_symlinks_meanwhile(
    layers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may swap them while they are looked at."""
    lower, upper = layers
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "secret").touch()
    for name in ("gone", "swapped"):
        (upper / name / "deep").mkdir(parents=True)
    real = os.listdir

    def listdir(directory: int) -> list[str]:
        names = real(directory)
        if "gone" in names:
            (upper / "swapped" / "deep").rmdir()
            (upper / "swapped" / "deep").symlink_to(tmp_path / "host")
            (upper / "gone" / "deep").rmdir()
            names.append("never")
        return names

    monkeypatch.setattr(os, "listdir", listdir)
    assert shown(lower, upper) == ["A /gone", "A /swapped", "A /swapped/deep"]

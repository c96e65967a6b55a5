from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dockyard.errors import DiskFull, HostileInput, PermissionMissing, StateError
from dockyard.state.paths import Paths, make_lock_directory, unusable


def test_directories_are_for_root_only(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    paths.prepare()

    for directory in (paths.root, paths.layers, paths.containers, paths.run, paths.locks):
        assert os.stat(directory).st_mode & 0o777 == 0o700


def test_a_lock_directory_that_another_user_made_is_refused(tmp_path: Path) -> None:
    """Symlinks in it would have root open, and make, any file of the host."""
    place = tmp_path / "locks"
    make_lock_directory(str(place))
    make_lock_directory(str(place))
    assert place.stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(HostileInput):
        make_lock_directory(str(tmp_path / "link"))
    place.chmod(0o777)
    with pytest.raises(HostileInput):
        make_lock_directory(str(place))
    if os.geteuid() == 0:
        place.chmod(0o700)
        os.chown(place, 1000, 1000)
        with pytest.raises(HostileInput):
            make_lock_directory(str(place))


@pytest.mark.parametrize("name", ["root", "root/layers", "run", "run/locks"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
def test_a_directory_that_others_can_write_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    """They could replace layers and records."""
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    (tmp_path / name).chmod(mode)
    with pytest.raises(HostileInput, match=f"{tmp_path / name}$") as raised:
        paths.prepare()
    assert f"chmod go-w {tmp_path / name}" in str(raised.value.hint)
    (tmp_path / name).chmod(mode & ~0o022)
    paths.prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    os.chown(tmp_path / "root", 65534, 65534)
    with pytest.raises(HostileInput):
        Paths(str(tmp_path / "root"), str(tmp_path / "run")).prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a link away")
def test_a_link_to_a_directory_has_to_be_ours_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    os.chown(tmp_path / "root", 65534, 65534, follow_symlinks=False)
    with pytest.raises(HostileInput):
        paths.prepare()


def test_a_root_is_known_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real, link = (Paths(str(tmp_path / name), "/run/x").root_hash for name in ("real", "link"))

    assert real == link
    assert len(real) == 8
    assert Paths("/other", "/run/x").root_hash != real


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EACCES, PermissionMissing),
        (errno.EROFS, PermissionMissing), (errno.EIO, StateError),
    ],
)  # fmt: skip
def test_system_errors_are_put_into_words(number: int, kind: type[Exception]) -> None:
    error = unusable("/somewhere", OSError(number, "x"))

    assert isinstance(error, kind)
    assert "/somewhere" in error.message
    assert error.hint


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    with pytest.raises(StateError, match="root"):
        Paths(str(tmp_path / "root"), str(tmp_path / "run")).prepare()

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from dockyard.errors import NotSupported, StateError
from dockyard.images.normalise import missing_mount_points, normalise
from dockyard.images.view import LowerView

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes whiteouts")


def _make(root: Path, *paths: str) -> Path:
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            place.mkdir(exist_ok=True)
        else:
            place.write_text("" if path.endswith("~") else path)
    return root


def _tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_missing_mount_points_include_their_missing_parents(tmp_path: Path) -> None:
    root = _make(tmp_path, "etc/hosts", "run/")
    view = LowerView((str(root),))
    targets = ["/etc/hosts", "etc/resolv.conf", "/run/secrets/a/token", "/proc"]
    assert missing_mount_points(view, targets) == (
        "etc/resolv.conf", "proc", "run/secrets", "run/secrets/a", "run/secrets/a/token",
    )  # fmt: skip


def test_missing_mount_points_are_found_behind_symlinks(tmp_path: Path) -> None:
    root = _make(tmp_path, "etc/", "run/")
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    view = LowerView((str(root),))
    assert missing_mount_points(view, ["etc/resolv.conf", "/var/run/x"]) == (
        "run/systemd", "run/systemd/resolve", "run/systemd/resolve/stub-resolv.conf", "run/x",
    )  # fmt: skip


def test_what_only_the_engine_made_goes(tmp_path: Path) -> None:
    parent = _make(tmp_path / "parent", "etc/hosts", "run/", "var/lib/x")
    mounts = missing_mount_points(
        LowerView((str(parent),)), ["etc/resolv.conf", "run/secrets/a", "proc", "var/lib/new/m"]
    )
    upper = _make(tmp_path / "upper", "run/secrets/", "proc/", "var/lib/new/kept", "made/by/step")
    _make(upper, "etc/")
    (upper / "etc/resolv.conf").touch()
    (upper / "run/secrets/a").touch()
    (upper / "var/lib/new/m").touch()
    normalise(str(upper), [str(parent)], engine_mounts=mounts)
    assert _tree(upper) == {
        "made", "made/by", "made/by/step", "var", "var/lib", "var/lib/new", "var/lib/new/kept",
    }  # fmt: skip


def test_a_mount_point_that_the_step_filled_stays(tmp_path: Path) -> None:
    upper = _make(tmp_path / "upper", "run/secrets/file", "etc/resolv.conf")
    mounts = ("run", "run/secrets", "etc", "etc/resolv.conf")
    normalise(str(upper), [], engine_mounts=mounts)
    assert _tree(upper) == {"run", "run/secrets", "run/secrets/file", "etc", "etc/resolv.conf"}


@pytest.mark.parametrize("change", ["mode", "owner", "xattr", None])
@needs_root
def test_a_directory_on_the_way_stays_only_if_the_step_changed_it(
    tmp_path: Path, change: str | None
) -> None:
    parent = _make(tmp_path / "parent", "etc/x")
    upper = _make(tmp_path / "upper", "etc/")
    (upper / "etc/resolv.conf").touch()
    if change == "mode":
        (upper / "etc").chmod(0o700)
    elif change == "owner":
        os.chown(upper / "etc", 5, 5)
    elif change == "xattr":
        os.setxattr(upper / "etc", "user.a", b"b")
    normalise(str(upper), [str(parent)], engine_mounts=("etc/resolv.conf",))
    assert _tree(upper) == ({"etc"} if change else set())


def test_mount_points_are_never_removed_through_a_symlink(tmp_path: Path) -> None:
    outside = _make(tmp_path / "outside", "empty/")
    upper = tmp_path / "upper"
    upper.mkdir()
    (upper / "run").symlink_to(outside)
    normalise(str(upper), [], engine_mounts=("run", "run/empty"))
    assert (outside / "empty").is_dir()
    assert (upper / "run").is_symlink()


def test_sockets_go_and_times_of_their_directory_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper = _make(tmp_path, "run/pid")
    monkeypatch.chdir(upper / "run")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
    os.utime(upper / "run", (7, 7))
    normalise(str(upper), [], engine_mounts=())
    assert _tree(upper) == {"run", "run/pid"}
    assert (upper / "run").stat().st_mtime == 7


@needs_root
def test_whiteouts_of_nothing_go(tmp_path: Path) -> None:
    parent = _make(tmp_path / "parent", "d/real")
    upper = _make(tmp_path / "upper", "d/")
    os.mknod(upper / "d/real", stat.S_IFCHR, 0)
    os.mknod(upper / "d/never", stat.S_IFCHR, 0)
    normalise(str(upper), [str(parent)], engine_mounts=())
    assert _tree(upper) == {"d", "d/real"}


@needs_root
def test_whiteouts_count_what_lower_whiteouts_left(tmp_path: Path) -> None:
    base = _make(tmp_path / "base", "a", "b")
    middle = _make(tmp_path / "middle", "c")
    os.mknod(middle / "a", stat.S_IFCHR, 0)
    upper = _make(tmp_path / "upper", "d")
    os.mknod(upper / "a", stat.S_IFCHR, 0)
    os.mknod(upper / "b", stat.S_IFCHR, 0)
    normalise(str(upper), [str(base), str(middle)], engine_mounts=())
    assert _tree(upper) == {"b", "d"}


@needs_root
def test_opaque_becomes_explicit_at_every_level(tmp_path: Path) -> None:
    parent = _make(tmp_path / "parent", "d/old", "d/sub/old", "d/sub/same", "d/file/x", "e/y")
    upper = _make(tmp_path / "upper", "d/sub/same", "d/new", "d/fresh/z", "d/file")
    os.setxattr(upper / "d", "trusted.overlay.opaque", b"y")
    normalise(str(upper), [str(parent)], engine_mounts=())
    merged = LowerView((str(parent), str(upper)))
    assert merged.listdir("d") == ("file", "fresh", "new", "sub")
    assert merged.listdir("d/sub") == ("same",)
    assert os.listxattr(upper / "d") == []
    assert stat.S_ISCHR((upper / "d/sub/old").lstat().st_mode)


@needs_root
def test_attributes_of_overlayfs_go_and_others_stay(tmp_path: Path) -> None:
    upper = _make(tmp_path / "upper", "f", "d/")
    (upper / "l").symlink_to("f")
    for name in ("f", "d", "l"):
        path = upper / name
        os.setxattr(path, "trusted.overlay.origin", b"x", follow_symlinks=False)
    os.setxattr(upper / "f", "user.overlay.opaque", b"y")
    os.setxattr(upper / "f", "user.mine", b"1")
    normalise(str(upper), [], engine_mounts=())
    found = {n: os.listxattr(upper / n, follow_symlinks=False) for n in ("f", "d", "l")}
    assert found == {"f": ["user.mine"], "d": [], "l": []}


@needs_root
@pytest.mark.parametrize("name", ["redirect", "metacopy"])
def test_content_that_lies_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    upper = _make(tmp_path / "upper", "f")
    os.setxattr(upper / "f", f"trusted.overlay.{name}", b"/x")
    with pytest.raises(StateError, match=name):
        normalise(str(upper), [], engine_mounts=())


@pytest.mark.parametrize("path", [".wh.x", "d/.wh..wh..opq", "d/.wh.y/z"])
def test_names_that_an_image_can_not_hold_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(NotSupported, match=r"\.wh\."):
        normalise(str(_make(tmp_path, path)), [], engine_mounts=())


def test_it_can_be_done_twice(tmp_path: Path) -> None:
    parent = _make(tmp_path / "parent", "d/old")
    upper = _make(tmp_path / "upper", "d/new")
    for _ in range(2):
        normalise(str(upper), [str(parent)], engine_mounts=("proc",))
        assert _tree(upper) == {"d", "d/new"}

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dockyard.errors import HostileInput
from dockyard.images.view import LowerView

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes whiteouts")


def _layer(root: Path, *paths: str) -> str:
    """``a/`` is a directory, ``-a`` a whiteout, ``a>b`` a symlink, ``a=text`` a file, ``!a`` an
    opaque directory."""
    for path in paths:
        name = path.lstrip("-!").partition(">")[0].partition("=")[0]
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.startswith("-"):
            os.mknod(place, stat.S_IFCHR, 0)
        elif path.startswith("!"):
            place.mkdir(exist_ok=True)
            os.setxattr(place, "trusted.overlay.opaque", b"y")
        elif path.endswith("/"):
            place.mkdir(exist_ok=True)
        elif ">" in path:
            place.symlink_to(path.partition(">")[2])
        else:
            place.write_text(path.partition("=")[2])
    return str(root)


def _view(tmp_path: Path, *layers: tuple[str, ...]) -> LowerView:
    roots = []
    for index, paths in enumerate(layers):
        (tmp_path / f"{index}").mkdir()
        roots.append(_layer(tmp_path / f"{index}", *paths))
    return LowerView(roots)


def _text(view: LowerView, path: str) -> str | None:
    place = view.locate(path)
    return None if place is None else Path(place).read_text()


def test_the_upper_of_two_files_shows(tmp_path: Path) -> None:
    view = _view(tmp_path, ("a/f=low", "a/g=low"), ("a/f=up", "a/h=up"))
    assert [_text(view, f"a/{n}") for n in "fgh"] == ["up", "low", "up"]
    assert view.listdir("a") == ("f", "g", "h")


def test_a_whiteout_hides_until_the_name_is_made_again(tmp_path: Path) -> None:
    view = _view(tmp_path, ("d/x=1", "e/y=1"), ("-d", "-e"), ("d/z=3",))
    assert view.lookup("d/x") is None
    assert view.listdir("d") == ("z",)
    assert view.lookup("e") is None
    assert view.lookup("e/y") is None
    assert view.listdir("") == ("d",)


def test_a_file_in_between_separates_directories(tmp_path: Path) -> None:
    view = _view(tmp_path, ("d/x=1",), ("d=file",), ("d/z=3",))
    assert view.listdir("d") == ("z",)


def test_a_file_over_a_directory_hides_it(tmp_path: Path) -> None:
    view = _view(tmp_path, ("d/x=1",), ("d=file",))
    assert view.lookup("d/x") is None
    assert view.listdir("d") == ()


def test_an_opaque_directory_shows_nothing_below(tmp_path: Path) -> None:
    view = _view(tmp_path, ("d/x=1",), ("!d", "d/y=2"), ("d/z=3",))
    assert view.listdir("d") == ("y", "z")
    assert view.lookup("d/x") is None


def test_no_layers_are_an_empty_root() -> None:
    view = LowerView(())
    assert view.lookup("etc") is None
    assert view.listdir("") == ()


def test_the_root_is_that_of_the_uppermost_layer(tmp_path: Path) -> None:
    view = _view(tmp_path, ("a=1",), ("b=2",))
    assert view.locate("") == str(tmp_path / "1")


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("etc/resolv.conf", "run/systemd/stub"),
        ("/lib/x", "usr/lib/x"),
        ("lib/../y", "usr/y"),
        ("../../etc", "etc"),
        ("out/passwd", "passwd"),
        ("missing/../a//./b/", "a/b"),
    ],
)
def test_resolve_stays_in_the_root(tmp_path: Path, path: str, reached: str) -> None:
    view = _view(
        tmp_path,
        ("usr/lib/", "lib>usr/lib", "out>../../../.."),
        ("etc/resolv.conf>../run/systemd/stub",),
    )
    assert view.resolve(path) == reached


def test_a_loop_of_symlinks_is_refused(tmp_path: Path) -> None:
    view = _view(tmp_path, ("a>b",), ("b>a",))
    with pytest.raises(HostileInput, match="symbolic links"):
        view.resolve("a/x")

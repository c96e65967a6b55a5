"""Secrets and configs on disk: complete, with their rights, and gone when nobody has them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dockyard.compose import stored
from dockyard.compose.desired.files import Room, WrittenFile
from dockyard.errors import InvalidInput
from dockyard.state.paths import Paths

NAMES = ("a" * 64, "b" * 64)


def make(tmp_path: Path) -> Room:
    return stored.room(Paths(f"{tmp_path}/root", f"{tmp_path}/run"), "demo")


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)

    assert (first, len(first.key)) == (second, 32)
    assert os.listdir(os.path.dirname(first.directory)) == [".key"]


def test_files_have_their_rights_whatever_the_mask(tmp_path: Path) -> None:
    room = make(tmp_path)
    file = WrittenFile(path=f"{room.directory}/x", content=b"secret", mode=0o446)
    mask = os.umask(0o077)
    try:
        stored.write(room, [file])
        stored.write(room, [file])
    finally:
        os.umask(mask)

    assert Path(file.path).read_bytes() == b"secret"
    assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o446
    assert stat.S_IMODE(os.stat(room.directory).st_mode) == 0o700
    assert os.listdir(room.directory) == ["x"]


def test_what_nobody_has_goes_and_the_directory_with_it(tmp_path: Path) -> None:
    room = make(tmp_path)
    files = [WrittenFile(path=f"{room.directory}/{name}", content=b"") for name in NAMES]
    stored.write(room, files)

    stored.sweep(room, {files[0].path})
    assert os.listdir(room.directory) == [NAMES[0]]
    stored.sweep(room, ())
    assert not os.path.exists(room.directory)
    stored.sweep(room, ())


def test_what_was_not_written_here_stays(tmp_path: Path) -> None:
    room = make(tmp_path)
    os.makedirs(f"{room.directory}/{NAMES[0]}")
    Path(room.directory, "state.json").touch()
    Path(room.directory, NAMES[1]).symlink_to("state.json")
    before = sorted(os.listdir(room.directory))

    stored.sweep(room, ())
    assert sorted(os.listdir(room.directory)) == before


def test_no_name_leads_out_of_the_directory_of_projects(tmp_path: Path) -> None:
    for name in ("..", ".", "", "a/b", "Demo"):
        with pytest.raises(InvalidInput, match="invalid project name"):
            stored.room(Paths(f"{tmp_path}/root", f"{tmp_path}/run"), name)

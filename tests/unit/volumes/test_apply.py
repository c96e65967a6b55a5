from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import Conflict, InvalidInput, StateError
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.volumes.apply import Volumes
from dockyard.volumes.model import Pruned
from dockyard.volumes.store import VolumeStore


@pytest.fixture
def database(paths: Paths) -> Iterator[Database]:
    database = Database(paths.database)
    database.execute("INSERT INTO images VALUES ('image', x'00', 0, 0)")
    for name in ("one", "two"):
        database.execute(
            "INSERT INTO containers VALUES (?, ?, 'image', 'running', 0, x'00')", (name, name)
        )
    yield database
    database.close()


@pytest.fixture
def volumes(paths: Paths, database: Database) -> Volumes:
    return Volumes(paths, database)


def test_the_first_use_makes_it_the_second_finds_it(volumes: Volumes) -> None:
    volume, new = volumes.ensure("data", "one")
    volumes.fill("data", lambda path: Path(path, "f").touch())
    again, new_again = volumes.ensure("data", "two")

    assert (new, new_again) == (True, False)
    assert again.path == volume.path
    assert os.listdir(volume.path) == ["f"]


def test_one_with_content_is_not_filled_again(volumes: Volumes) -> None:
    volumes.ensure("data", "one")
    volumes.fill("data", lambda path: Path(path, "first").touch())
    volumes.fill("data", lambda path: Path(path, "second").touch())

    assert os.listdir(volumes.get("data").path) == ["first"]


def test_a_volume_that_somebody_took_away_is_named(volumes: Volumes) -> None:
    volume, _ = volumes.ensure("data", "one")
    volumes.fill("data", lambda _path: None)
    os.rmdir(volume.path)
    with pytest.raises(StateError, match=volume.path):
        volumes.fill("data", lambda _path: None)


def test_an_emptied_one_gets_content_again(volumes: Volumes) -> None:
    volume, _ = volumes.ensure("data", "one")
    volumes.fill("data", lambda _path: None)

    assert volumes.ensure("data", "two")[1]
    volumes.fill("data", lambda path: Path(path, "second").touch())
    assert os.listdir(volume.path) == ["second"]


def test_what_lies_in_one_made_by_command_is_never_replaced(volumes: Volumes) -> None:
    volume = volumes.create("data")
    Path(volume.path, "mine").touch()

    assert not volumes.ensure("data", "one")[1]
    volumes.fill("data", lambda path: Path(path, "theirs").touch())
    assert os.listdir(volume.path) == ["mine"]


def test_the_directory_is_the_same_after_filling(volumes: Volumes) -> None:
    """Another container may have it mounted."""
    volume, _ = volumes.ensure("data", "one")
    before = os.stat(volume.path).st_ino

    def content(path: str) -> None:
        Path(path, "file").touch()
        os.chmod(path, 0o751)

    volumes.fill("data", content)
    assert os.stat(volume.path).st_ino == before
    assert os.stat(volume.path).st_mode & 0o7777 == 0o751


def test_one_made_by_command_gets_the_mode_of_an_empty_place_too(volumes: Volumes) -> None:
    """Compose makes volumes before their first container, which may run as another user."""
    volume = volumes.create("data")
    volumes.fill("data", lambda path: os.chmod(path, 0o1777))
    assert os.stat(volume.path).st_mode & 0o7777 == 0o1777


def test_a_mode_that_somebody_gave_an_empty_one_stays(volumes: Volumes) -> None:
    volume = volumes.create("data")
    os.chmod(volume.path, 0o700)
    volumes.fill("data", lambda path: os.chmod(path, 0o1777))
    assert os.stat(volume.path).st_mode & 0o7777 == 0o700


def test_making_one_twice_is_no_failure(volumes: Volumes) -> None:
    first = volumes.create("data", labels={"a": "1"})

    assert volumes.create("data", labels={"b": "2"}) == first


def test_one_with_other_options_is_a_conflict(volumes: Volumes, tmp_path: Path) -> None:
    volumes.create("data")
    with pytest.raises(Conflict, match="different options"):
        volumes.create("data", options={"type": "none", "o": "bind", "device": str(tmp_path)})


def test_it_may_stand_for_a_directory_of_the_host(volumes: Volumes, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "precious").touch()
    volume = volumes.create("data", options={"type": "none", "o": "bind", "device": str(own)})
    assert volume.path == str(own)

    volumes.remove("data")
    assert (own / "precious").exists()


def test_one_in_use_is_not_removed(volumes: Volumes) -> None:
    volume, _ = volumes.ensure("data", "one")
    with pytest.raises(Conflict, match=r"volume is in use - \[one\]"):
        volumes.remove("data")

    assert volumes.prune([volume]).names == ()
    assert os.path.isdir(volume.path)


def test_pruning_says_what_it_freed(volumes: Volumes) -> None:
    volume = volumes.create(None)
    Path(volume.path, "file").write_bytes(bytes(1000))

    assert volume.anonymous
    assert volumes.prune([volume]) == Pruned((volume.name,), 1000)
    assert volumes.list() == []


def test_a_filling_that_was_killed_begins_anew(volumes: Volumes) -> None:
    volume, _ = volumes.ensure("data", "one")

    def half(path: str) -> None:
        Path(path, "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        volumes.fill("data", half)
    volumes.fill("data", lambda path: Path(path, "whole").touch())

    assert os.listdir(volume.path) == ["whole"]


def test_what_lies_in_one_that_was_used_without_filling_is_never_replaced(volumes: Volumes) -> None:
    """As with nocopy, ``--volumes-from``, or ``cp`` into a container that was never started."""
    volume, _ = volumes.ensure("data", "one")
    Path(volume.path, "file").write_text("mine")

    assert not volumes.ensure("data", "two")[1]
    volumes.fill("data", lambda path: Path(path, "file").touch())
    assert Path(volume.path, "file").read_text() == "mine"


def test_a_filling_that_was_killed_while_it_moved_goes_on(
    volumes: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody puts there meanwhile stays."""
    volume, _ = volumes.ensure("data", "one")
    rename, moved = os.rename, list[str]()

    def killed(source: str, target: str) -> None:
        if moved:
            raise KeyboardInterrupt
        rename(source, target)
        moved.extend([target] if target.startswith(volume.path) else [])

    def content(path: str) -> None:
        for name in ("a", "b", "c"):
            Path(path, name).write_text("image")
        os.chmod(path, 0o751)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        volumes.fill("data", content)
    monkeypatch.undo()
    (first,) = os.listdir(volume.path)
    own = next(name for name in "abc" if name != first)
    Path(volume.path, own).write_text("mine")

    assert volumes.ensure("data", "two")[1]
    volumes.fill("data", lambda _path: None)
    found = {each.name: each.read_text() for each in Path(volume.path).iterdir()}
    assert found == dict.fromkeys("abc", "image") | {own: "mine"}
    assert os.stat(volume.path).st_mode & 0o7777 == 0o751
    assert os.listdir(os.path.dirname(volume.path)) == ["_data"]
    assert not volumes.ensure("data", "two")[1]


@pytest.mark.parametrize("name", ["", "a", ".hidden", "a/b", "../x", "a b", "-x"])
def test_names_are_dockers(volumes: Volumes, name: str) -> None:
    with pytest.raises(InvalidInput, match="invalid characters"):
        volumes.ensure(name, "one")


def test_anonymous_ones_go_with_their_only_user(volumes: Volumes, database: Database) -> None:
    mine, _ = volumes.ensure(None, "one")
    shared, _ = volumes.ensure(None, "one")
    volumes.ensure(shared.name, "two")
    named, _ = volumes.ensure("named", "one")
    volumes.remove_anonymous("one")

    assert {row[0] for row in database.query("SELECT name FROM volumes")} == {
        shared.name, named.name,
    }  # fmt: skip
    assert not os.path.exists(os.path.dirname(mine.path))


def test_a_removal_that_was_killed_is_finished(volumes: Volumes, database: Database) -> None:
    volume, _ = volumes.ensure(None, "one")
    database.execute("UPDATE volumes SET state='deleting'")
    volumes.recover()

    assert not os.path.exists(volume.path)
    assert database.query("SELECT * FROM volumes") == []


def test_no_lock_file_stays(volumes: Volumes, paths: Paths, database: Database) -> None:
    volume = volumes.create("data")
    volumes.fill("data", lambda path: Path(path, "f").touch())
    assert os.listdir(paths.locks) == []
    volumes.prune([volume])
    assert os.listdir(paths.locks) == []
    volumes.create("data")
    database.execute("UPDATE volumes SET state='deleting'")
    volumes.recover()
    assert os.listdir(paths.locks) == []


def test_a_removal_that_another_finished_spares_a_new_one_of_that_name(
    volumes: Volumes, paths: Paths, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recovery that listed the old one while it went."""
    volumes.create("data")
    database.execute("UPDATE volumes SET state='deleting'")
    condemned = VolumeStore.condemned

    def listed(store: VolumeStore) -> tuple[str, ...]:
        found = condemned(store)
        monkeypatch.undo()
        Volumes(paths, database).recover()
        Path(volumes.ensure("data", "one")[0].path, "file").touch()
        return found

    monkeypatch.setattr(VolumeStore, "condemned", listed)
    volumes.recover()

    assert os.listdir(volumes.get("data").path) == ["file"]
    assert volumes.users("data") == ("one",)


def test_a_removal_that_goes_on_is_left_to_its_command(
    volumes: Volumes, paths: Paths, database: Database
) -> None:
    volume = volumes.create("data")
    database.execute("UPDATE volumes SET state='deleting'")
    with Lock.acquire(f"{paths.locks}/v-data.lock"):
        volumes.recover()

    assert os.path.exists(volume.path)

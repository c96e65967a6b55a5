from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import InvalidInput
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.volumes.apply import Volumes


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    return paths


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


def test_it_is_filled_once(volumes: Volumes) -> None:
    volumes.ensure("data", "one")
    calls: list[str] = []
    volumes.fill("data", calls.append)
    volumes.fill("data", calls.append)

    assert len(calls) == 1


def test_a_filling_that_was_killed_begins_anew(volumes: Volumes) -> None:
    volume, _ = volumes.ensure("data", "one")

    def half(path: str) -> None:
        Path(path, "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        volumes.fill("data", half)
    volumes.fill("data", lambda path: Path(path, "whole").touch())

    assert os.listdir(volume.path) == ["whole"]


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

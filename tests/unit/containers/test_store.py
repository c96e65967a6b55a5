from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dockyard.containers.model import Container, Options, State
from dockyard.containers.store import ContainerStore
from dockyard.errors import Conflict, NotFound
from dockyard.state.database import Database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ContainerStore]:
    database = Database(str(tmp_path / "state.db"))
    database.execute("INSERT INTO images VALUES ('image', x'00', 0, 0)")
    yield ContainerStore(database)
    database.close()


def container(
    name: str, digits: str = "a", state: State = "running", created: int = 1
) -> Container:
    return Container(
        id=digits.ljust(64, "0"), name=name, image_id="image", image_name="i", state=state,
        created=created, options=Options(env=("A=b",)),
    )  # fmt: skip


def test_a_record_comes_back_whole(store: ContainerStore) -> None:
    store.add(container("box"))

    assert store.get("a".ljust(64, "0")) == container("box")


def test_it_is_found_by_name_id_and_beginning(store: ContainerStore) -> None:
    store.add(container("box", "abc"))
    store.add(container("abc", "def"))

    assert store.find("box").name == "box"
    assert store.find("abc").name == "abc", "a name wins over the beginning of an id"
    assert store.find("abc0").name == "box"
    assert store.find("d").name == "abc"


def test_what_is_not_there_or_not_clear_is_said(store: ContainerStore) -> None:
    store.add(container("one", "ab1"))
    store.add(container("two", "ab2"))

    with pytest.raises(NotFound, match="no such container: x%"):
        store.find("x%")
    with pytest.raises(NotFound):
        store.find("")
    with pytest.raises(Conflict, match="ambiguous"):
        store.find("ab")


def test_a_name_is_had_once(store: ContainerStore) -> None:
    store.add(container("box", "a"))
    with pytest.raises(Conflict, match='"box" is already in use') as caught:
        store.add(container("box", "b"))
    assert caught.value.exit_code == 125


def test_an_image_that_went_meanwhile_is_named(store: ContainerStore) -> None:
    with pytest.raises(NotFound, match="removed meanwhile"):
        store.add(msgspec.structs.replace(container("box"), image_id="gone"))


def test_newest_first_and_unsettled_alone(store: ContainerStore) -> None:
    states: tuple[State, ...] = ("exited", "running", "creating", "created", "removing", "starting")
    for number, state in enumerate(states):
        store.add(container(state, str(number), state, created=number))

    assert [each.name for each in store.all()] == list(reversed(states))
    assert {each.name for each in store.unsettled()} == set(states) - {"exited", "created"}


def test_how_it_ended_is_known_for_a_while_after_it_is_gone(store: ContainerStore) -> None:
    store.add(container("box"))
    identity = store.find("box").id
    store.delete(identity, exit_code=7)
    store.delete(identity, exit_code=9)

    assert store.get(identity) is None
    assert store.last_exit_code(identity) == 7
    assert store.last_exit_code("another") is None

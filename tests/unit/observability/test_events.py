"""The store of events: order, bounds, and Docker's rules for filters."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.observability import events
from dockyard.observability.event_filter import make_filter
from dockyard.observability.events import Event
from dockyard.observability.follow import follow
from dockyard.state.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"{tmp_path}/state.db")
    yield database
    database.close()


def container(action: str = "start", **attributes: str) -> Event:
    return Event(
        type="container",
        action=action,
        actor="a1b2",
        attributes={"image": "registry.test:5000/tool:1", "name": "box", "tier": "web"}
        | attributes,
    )


def test_events_come_back_in_order_and_whole(database: Database) -> None:
    events.record(database, "volume", "create", "data", {"driver": "local"})
    events.record(database, "image", "tag", "sha256:1")

    first, second = events.between(database)

    assert (first.type, first.action, first.actor) == ("volume", "create", "data")
    assert (dict(first.attributes), dict(second.attributes)) == ({"driver": "local"}, {})
    assert first.number < second.number == events.newest(database)
    assert list(events.between(database, after=first.number)) == [second]
    assert list(events.between(database, since=second.time + 1)) == []
    assert list(events.between(database, until=first.time)) == [first]


def test_a_change_that_is_undone_has_no_event(database: Database) -> None:
    def change() -> None:
        with database.transaction() as connection:
            events.write(connection, container())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()

    assert events.newest(database) == 0


def test_only_so_many_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", 100)
    with database.transaction() as connection:
        events.write(connection, *[container()] * 1000)

    kept = len(list(events.between(database)))

    assert 100 <= kept < 200
    assert events.newest(database) == 1000


def test_old_ones_go(database: Database) -> None:
    with database.transaction() as connection:
        events.write(connection, Event(type="volume", action="create", actor="old", time=1))
        events.write(connection, *[container()] * 100)

    assert all(event.actor != "old" for event in events.between(database))


def test_following_sees_what_another_connection_writes(database: Database, tmp_path: Path) -> None:
    other = Database(f"{tmp_path}/state.db")
    until = time.time_ns() + 20 * 10**9
    stream = follow(database, str(tmp_path), after=events.newest(database), until=until)

    def write() -> None:
        for action in ("create", "start", "die"):
            events.record(other, "container", action, "x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert [next(stream).action for _ in range(3)] == ["create", "start", "die"]
    finally:
        writer.join()
        stream.close()  # type: ignore[attr-defined]  # a generator is what follow returns
        other.close()


def test_following_ends_at_its_moment(database: Database, tmp_path: Path) -> None:
    events.record(database, "container", "create", "x")
    before = os.listdir("/proc/self/fd")

    assert [e.action for e in follow(database, str(tmp_path), after=0, until=time.time_ns())] == [
        "create"
    ]
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize(
    ("pairs", "fits"),
    [
        ([], True),
        ([("type", "container")], True),
        ([("type", "image")], False),
        ([("type", "image"), ("type", "container")], True),
        ([("event", "start")], True),
        ([("event", "star")], False),
        ([("container", "box")], True),
        ([("container", "bo")], True),
        ([("container", "a1")], True),
        ([("container", "1b")], False),
        ([("image", "registry.test:5000/tool")], True),
        ([("image", "registry.test:5000/tool:1")], True),
        ([("image", "tool")], False),
        ([("label", "tier")], True),
        ([("label", "tier=web")], True),
        ([("label", "tier=web"), ("label", "other")], False),
        ([("volume", "data")], False),
        ([("scope", "local")], True),
        ([("scope", "swarm")], False),
    ],
)
def test_filters_are_dockers(pairs: list[tuple[str, str]], fits: bool) -> None:
    assert make_filter(pairs).matches(container()) is fits


def test_actions_that_carry_more_than_their_name_are_found_by_it() -> None:
    assert make_filter([("event", "exec_create")]).matches(container("exec_create: ls -l"))
    assert make_filter([("event", "health_status")]).matches(container("health_status: healthy"))
    assert not make_filter([("event", "exec_die")]).matches(container("exec_create: ls"))

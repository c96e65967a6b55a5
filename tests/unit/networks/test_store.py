from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.networks import DEFAULT, made, wish

from dockyard.errors import Conflict, NotFound
from dockyard.networks.model import PortMapping
from dockyard.networks.store import NetworkStore
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database

WEB = PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"))
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> NetworkStore:
    made = NetworkStore(database)
    made.save_network(DEFAULT)
    return made


def test_an_endpoint_is_read_back_as_it_was_added(store: NetworkStore) -> None:
    (added,) = store.add_endpoints([DEFAULT], [wish(ports=(WEB,))])
    assert store.endpoints_of("c-one") == (added,)
    assert store.endpoints() == (added,)
    assert store.holders() == {"c-one"}
    assert store.owner(WEB) == "c-one"
    assert store.endpoints_of("c-two") == ()


def test_a_port_has_one_owner(store: NetworkStore) -> None:
    store.add_endpoints([DEFAULT], [wish(ports=(WEB,))])
    with pytest.raises(Conflict, match="already allocated"):
        store.add_endpoints([DEFAULT], [wish("c-two", ports=(WEB,))])
    assert store.holders() == {"c-one"}


def test_the_default_network_goes_with_its_last_endpoint(store: NetworkStore) -> None:
    store.add_endpoints([DEFAULT], [wish()])
    store.add_endpoints([DEFAULT], [wish("c-two")])
    assert store.remove_endpoints("c-one")
    assert store.remove_endpoints("c-one")
    assert store.networks() == {"bridge": DEFAULT}
    store.remove_endpoints("c-two")
    assert store.networks() == {}


def test_a_network_that_was_made_stays(store: NetworkStore) -> None:
    mine = made()
    store.save_network(mine)
    store.add_endpoints([mine, DEFAULT], [wish(network="mine"), wish()])
    store.remove_endpoints("c-one", network="bridge")
    assert [each.network for each in store.endpoints_of("c-one")] == ["mine"]
    store.remove_endpoints("c-one")
    assert store.networks() == {"mine": mine}


def test_the_last_endpoint_is_left_to_who_takes_down_the_rest(store: NetworkStore) -> None:
    mine = made()
    store.save_network(mine)
    store.add_endpoints([DEFAULT, mine], [wish(), wish(network="mine")])
    store.add_endpoints([mine], [wish("c-two", "mine")])
    assert not store.remove_endpoints("c-one", unless_last=True), "last one on the default network"
    assert store.remove_endpoints("c-one", network="mine", unless_last=True)
    assert store.remove_endpoints("c-two", unless_last=True)
    assert not store.remove_endpoints("c-one", unless_last=True), "last one of all"


def test_several_networks_are_joined_all_or_none(store: NetworkStore) -> None:
    with pytest.raises(NotFound, match="network gone not found"):
        store.add_endpoints([DEFAULT, made("gone")], [wish(), wish(network="gone")])
    assert store.holders() == set()


def test_what_happened_is_told_in_the_same_transaction(
    store: NetworkStore, database: Database
) -> None:
    told = Event(type="network", action="connect", actor="id")
    with pytest.raises(NotFound):
        store.add_endpoints([made("gone")], [wish(network="gone")], told)
    assert list(events.between(database)) == []
    store.add_endpoints([DEFAULT], [wish()], told)
    assert [each.action for each in events.between(database)] == ["connect"]

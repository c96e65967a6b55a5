from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import Conflict
from dockyard.networks import plan
from dockyard.networks.addresses import parse_subnet
from dockyard.networks.model import PortMapping
from dockyard.networks.store import NetworkStore
from dockyard.state.database import Database

NETWORK = plan.make_network("0123abcd", parse_subnet("10.87.0.0/22"), 1400)
WEB = PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NetworkStore]:
    database = Database(str(tmp_path / "state.db"))
    made = NetworkStore(database)
    made.save_network(NETWORK)
    yield made
    database.close()


def test_an_endpoint_is_read_back_as_it_was_added(store: NetworkStore) -> None:
    added = store.add_endpoint(NETWORK, "c-one", "dv1", (WEB,))
    assert store.endpoint("c-one") == added
    assert store.endpoints() == (added,)
    assert store.holders() == {"c-one"}
    assert store.owner(WEB) == "c-one"
    assert store.endpoint("c-two") is None


def test_a_port_has_one_owner(store: NetworkStore) -> None:
    store.add_endpoint(NETWORK, "c-one", "dv1", (WEB,))
    with pytest.raises(Conflict, match="already allocated"):
        store.add_endpoint(NETWORK, "c-two", "dv2", (WEB,))
    assert store.holders() == {"c-one"}


def test_the_network_goes_with_its_last_endpoint(store: NetworkStore) -> None:
    store.add_endpoint(NETWORK, "c-one", "dv1", ())
    store.add_endpoint(NETWORK, "c-two", "dv2", ())
    store.remove_endpoint("c-one")
    store.remove_endpoint("c-one")
    assert store.network() == NETWORK
    store.remove_endpoint("c-two")
    assert store.network() is None

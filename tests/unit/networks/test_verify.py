"""What every command looks at first, while others come and go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.networks import endpoint, made

from dockyard.config import Config
from dockyard.networks.apply import Networks
from dockyard.networks.model import Network
from dockyard.state.database import Database
from dockyard.state.paths import Paths


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Networks]:
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    database = Database(paths.database)
    found = Networks(paths, database, Config(root=paths.root, run=paths.run))
    monkeypatch.setattr(Networks, "lock_path", str(tmp_path / "network.lock"), raising=False)
    yield found
    database.close()


def test_a_network_that_goes_meanwhile_is_left_to_the_command_that_removes_it(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last endpoint of ``bridge`` was seen, and its network no more."""
    mine = made()
    looked: list[set[str]] = []

    def settled(recorded: Mapping[str, Network], used: Iterable[str]) -> bool:
        looked.append({recorded[name].name for name in used})
        return True

    monkeypatch.setattr(networks.store, "networks", lambda: {mine.name: mine})
    monkeypatch.setattr(
        networks.store, "endpoints", lambda: (endpoint("c-aa", on=mine), endpoint("c-bb"))
    )
    monkeypatch.setattr(networks.upkeep, "settled", settled)
    networks.verify()

    assert looked == [{mine.name}]

"""Processors that replicas have used, those too that are gone: a sum that never falls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving import consumption
from dockyard.serving.consumption import Consumption
from dockyard.serving.store import ServingStore
from dockyard.state.database import Database

KEY = ("demo", "web")
ALL = ["a", "b"]


def test_what_is_gone_still_counts_and_is_one_number_after_a_while() -> None:
    found = consumption.seen(Consumption(), {"a": 5, "b": 7}, 100.0)
    found = consumption.settled(consumption.seen(found, {"b": 9}, 200.0), {"b"}, 200.0)
    assert (found.cpu_ns, found.gone_ns, set(found.lives)) == (14, 5, {"b"})


def test_who_looked_earlier_and_writes_later_changes_nothing() -> None:
    later = consumption.seen(Consumption(), {"a": 10}, 101.0)
    assert consumption.seen(later, {"a": 8}, 100.0) == later


def test_who_can_not_be_asked_for_long_is_not_gone() -> None:
    found = consumption.seen(Consumption(), {"a": 10}, 0.0)
    found = consumption.seen(consumption.settled(found, {"a"}, 1000.0), {"a": 11}, 1001.0)
    assert found.cpu_ns == 11


_LOOKS = st.lists(st.tuples(
    st.dictionaries(st.sampled_from(ALL), st.integers(0, 100)), st.sets(st.sampled_from(ALL)),
    st.floats(0, 100),
))  # fmt: skip


@given(_LOOKS)
def test_it_never_falls(looks: list[tuple[dict[str, int], set[str], float]]) -> None:
    found, now = Consumption(), 0.0
    for used, present, passed in looks:
        now += passed
        after = consumption.settled(consumption.seen(found, used, now), present, now)
        assert after.cpu_ns >= found.cpu_ns
        found = after


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ServingStore]:
    """With one variant that is declared."""
    database = Database(str(tmp_path / "state.db"))
    database.execute("INSERT INTO images VALUES ('sha256:1', x'00', 0, 0)")
    database.execute("INSERT INTO serving_services VALUES ('demo', 'web', x'00')")
    database.execute("INSERT INTO serving_images VALUES ('demo', 'web', 'web', 'sha256:1')")
    yield ServingStore(database)
    database.close()


def test_it_is_kept_whoever_is_killed_and_only_of_what_is_declared(store: ServingStore) -> None:
    store.consume({KEY: {"a": 5}, ("demo", "gone"): {"x": 1}}, 0.0)
    store.consume({KEY: {"b": 7}}, 100.0, {"b"})
    found = store.consume({}, 101.0)
    assert {key: one.cpu_ns for key, one in found.items()} == {KEY: 12}
    assert found[KEY].gone_ns == 5

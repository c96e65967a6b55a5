"""Which services need which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.compose import project

from dockyard.compose import order
from dockyard.errors import InvalidInput


def test_services_come_up_after_what_they_need() -> None:
    graph = order.graph(project({
        "web": {"depends_on": ["api", "cache"]}, "api": {"depends_on": ["db"]}, "db": {},
        "cache": {},
    }))  # fmt: skip

    assert order.levels(graph) == (("cache", "db"), ("api",), ("web",))
    assert order.reversed_graph(graph)["db"] == ("api",)


def test_what_is_shared_is_needed_too() -> None:
    found = project({
        "app": {"network_mode": "service:net", "ipc": "service:ipc", "pid": "service:pid",
                "volumes_from": ["data:ro", "container:other"], "links": ["db:database"]},
        "net": {}, "ipc": {}, "pid": {}, "data": {}, "db": {},
    })  # fmt: skip

    needed = order.graph(found)["app"]

    assert sorted(needed) == ["data", "db", "ipc", "net", "pid"]
    assert [needed[name].restart for name in ("net", "data")] == [True, False]
    assert order.linked(found.services["app"]) == {"database": "db"}


def test_a_cycle_is_named() -> None:
    found = project({
        "a": {"depends_on": ["b"]}, "b": {"depends_on": ["c"]}, "c": {"depends_on": ["b"]},
    })  # fmt: skip

    with pytest.raises(InvalidInput, match="dependency cycle detected: b -> c -> b"):
        order.graph(found)


def test_what_is_missing_is_named_unless_it_is_optional() -> None:
    with pytest.raises(InvalidInput, match='service "a" depends on undefined service "b"'):
        order.graph(project({"a": {"depends_on": ["b"]}}))
    optional = {"b": {"condition": "service_started", "required": False}}
    assert order.graph(project({"a": {"depends_on": optional}})) == {"a": {}}


def test_what_is_disabled_is_named_with_its_profiles() -> None:
    found = project(
        {"a": {"depends_on": ["b"]}},
        disabled={"b": {"name": "b", "image": "x", "profiles": ["debug"]}},
    )

    with pytest.raises(InvalidInput, match=r"b is required by a but is disabled.*\[debug\]"):
        order.graph(found)


def test_a_name_of_its_own_is_for_one_container() -> None:
    with pytest.raises(InvalidInput, match='using the custom container name "one"'):
        order.require_scalable(project({"a": {"container_name": "one", "scale": 2}}))
    with pytest.raises(InvalidInput, match='"a" and "b" have the same container_name "one"'):
        order.require_scalable(
            project({"a": {"container_name": "one"}, "b": {"container_name": "one"}})
        )


@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), max_size=12))
def test_every_service_comes_after_all_that_it_needs(numbers: dict[int, set[int]]) -> None:
    """Edges lead to smaller numbers alone, so there is no cycle."""
    graph = {str(name): {str(each) for each in needed if each < name}
             for name, needed in numbers.items()}  # fmt: skip

    found = order.in_order(graph)

    assert sorted(found) == sorted(graph)
    for place, name in enumerate(found):
        assert graph[name] & set(graph) <= set(found[:place])
        assert set(order.closure(graph, [name])) >= graph[name] & set(graph)

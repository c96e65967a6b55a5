from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dockyard.build import graph
from dockyard.build.cache import BuildCache, key_of, key_of_base
from dockyard.build.dockerfile.source import Location
from dockyard.errors import StateError
from dockyard.images.layers import LayerStore
from dockyard.images.model import Layer
from dockyard.images.packages.model import Division
from dockyard.state.database import Database
from dockyard.state.paths import Paths

RUN = graph.Run(args=("sh",), env=("A=1",), cwd="/", user="")


def vertex(operation: graph.Operation = RUN, **fields: object) -> graph.Vertex:
    given: dict[str, object] = {
        "operation": operation, "inputs": (0,), "name": "n", "epoch": 1,
        "location": Location("Dockerfile", 1, 1, "RUN sh"),
    }  # fmt: skip
    return graph.Vertex(**(given | fields))  # type: ignore[arg-type]  # fields by name


def test_a_key_depends_on_all_that_the_result_does() -> None:
    keys = {
        key_of(vertex(), ["below"], ""),
        key_of(vertex(), ["other"], ""),
        key_of(vertex(), ["below"], "content"),
        key_of(vertex(), ["below"], "", "rules"),
        key_of(vertex(epoch=2), ["below"], ""),
        *(
            key_of(vertex(msgspec.structs.replace(RUN, **{name: value})), ["below"], "")
            for name, value in {"args": ("x",), "env": (), "cwd": "/x", "user": "u",
                                "network": "none", "script": "s"}.items()
        ),
    }  # fmt: skip

    assert len(keys) == 11


def test_a_key_does_not_depend_on_names_and_proxies() -> None:
    same = vertex(name="other", ignored_env=("HTTP_PROXY=x",), inputs=(5,))

    assert key_of(vertex(), ["below"], "") == key_of(same, ["below"], "")
    assert key_of_base(["a"]) != key_of_base(["a", "b"])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    database = Database(paths.database)
    for name in ("one", "two"):
        (Path(paths.layers) / name).mkdir()
        database.execute(
            "INSERT INTO layers (id, diff_id, state) VALUES (?, ?, 'ready')", (name, f"d-{name}")
        )
    yield database
    database.close()


@pytest.fixture
def layers(tmp_path: Path, database: Database) -> LayerStore:
    return LayerStore(Paths(str(tmp_path / "root"), str(tmp_path / "run")), database)


def layer(name: str) -> Layer:
    return Layer(id=name, diff_id=f"d-{name}", size=0, writer=1, epoch=0, times="clamp")


def test_an_entry_comes_back_with_its_layers_leased(database: Database, layers: LayerStore) -> None:
    cache = BuildCache(database, layers)
    assert cache.find("key", "b-1") is None
    division = Division(budget=48, alone=1, notes=("torch 2.9.0",))
    cache.put("key", "RUN x", [layer("two")], [layer("one")], division=division)
    hit = cache.find("key", "b-1")

    assert hit is not None
    assert [each.id for each in hit.layers] == ["two"]
    assert hit.below == ("one",)
    assert hit.division == division
    assert ("b-1", "two") in database.query("SELECT holder, layer_id FROM leases")


def test_a_new_result_takes_the_place_of_the_old(database: Database, layers: LayerStore) -> None:
    cache = BuildCache(database, layers)
    cache.put("key", "x", [layer("one")], [])
    cache.put("key", "x", [layer("two")], [])
    hit = cache.find("key", "b-1")

    assert hit is not None
    assert [each.id for each in hit.layers] == ["two"]


def test_a_layer_that_is_being_deleted_gets_no_entry(
    database: Database, layers: LayerStore
) -> None:
    database.execute("UPDATE layers SET state='deleting', diff_id=NULL WHERE id='two'")
    cache = BuildCache(database, layers)
    cache.put("key", "x", [layer("one"), layer("two")], [])

    assert cache.find("key", "b-1") is None
    assert cache.records() == ()


def test_a_layer_that_somebody_deleted_is_no_result(
    database: Database, layers: LayerStore, tmp_path: Path
) -> None:
    cache = BuildCache(database, layers)
    cache.put("key", "x", [layer("one"), layer("two")], [])
    (tmp_path / "root" / "layers" / "two").rmdir()

    assert cache.find("key", "b-1") is None
    with pytest.raises(StateError, match="a layer of the build cache is missing") as caught:
        layers.paths_of([layer("one"), layer("two")])
    assert "builder prune -a" in str(caught.value.hint)

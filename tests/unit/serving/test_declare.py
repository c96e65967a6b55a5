"""What becomes of what was declared before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service as Plain
from dockyard.containers.options import Options
from dockyard.serving import declare
from dockyard.serving.extension.blocks import NAME
from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.records import Declared, Standing, Template
from dockyard.serving.store import ServingStore
from dockyard.state.database import Database

MADE = Template(options=Options(), image_id="", image_name="", hash="base", base="base")
ROUTE = Route(listen="127.0.0.1:80", path="/a")


def service(name: str, *variants: str, route: Route = ROUTE) -> Service:
    found = tuple(Variant(name=one, port=80) for one in (name, *variants))
    return Service(project="p", name=name, route=route, variants=found)


def record(what: Service, before: Declared | None = None, **more: Any) -> Declared:
    templates = {one.name: MADE for one in what.variants}
    return declare.declared(what, templates, (), before, suspended=False, **more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ServingStore]:
    database = Database(str(tmp_path / "state.db"))
    database.execute("INSERT INTO images VALUES ('', x'00', 0, 0)")
    yield ServingStore(database)
    database.close()


def test_a_record_goes_once_the_file_has_its_service_as_something_else() -> None:
    block: dict[str, Any] = {NAME: {}}
    names = ("kept", "variant", "served")
    project = Project(
        name="p",
        services={"plain": Plain(name="plain")}
        | {name: Plain(name=name, extensions=block) for name in names},
        disabled={"idle": Plain(name="idle", extensions=block)},
    )
    before = [record(service(name)) for name in (*names, "plain", "gone", "idle")]
    gone = declare.superseded(project, [service("served", "variant")], before)
    assert gone == ("variant", "plain", "gone")


def test_a_record_stands_in_for_others_at_once_and_what_is_known_of_variants_stays(
    store: ServingStore,
) -> None:
    old, new = service("web", "next", "third"), service("next", "web")
    store.declare("p", {"web": partial(record, old)})
    store.put_standings({("p", name): Standing(ready=1) for name in ("web", "next", "third")})
    store.declare("p", {"next": partial(record, new)}, ["web"])
    assert [one.service for one in store.all()] == [new]
    assert set(store.standings()) == {("p", "web"), ("p", "next")}
    store.declare("p", {"next": partial(record, service("next"))})
    assert set(store.standings()) == {("p", "next")}
    store.remove("p")
    assert (store.all(), store.standings()) == ((), {})


def test_who_wants_another_place_gives_way_to_those_that_have_it() -> None:
    before = replace(record(service("web")), since=1.0)
    assert record(service("web"), before).since == 1.0
    assert record(service("web", route=replace(ROUTE, path="/b")), before).since > 1.0


def test_replicas_are_made_anew_where_that_is_asked_and_not_again_after_it() -> None:
    first = record(service("web"))
    forced = record(service("web"), first, policies={"web": "force"}, token="1")
    assert forced.templates["web"].hash != "base"
    after = record(service("web"), forced)
    assert after.templates == forced.templates
    other = replace(MADE, hash="new", base="new")
    assert declare.recreated(other, forced.templates["web"], "diverged", "") == other
    assert declare.recreated(other, MADE, "never", "") == MADE
    assert declare.recreated(other, None, "never", "") == other

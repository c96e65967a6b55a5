"""Parts of a project: what comes along with services that are named."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dockyard.compose import selection
from dockyard.compose.model.parts import Dependency, FileReference, ServiceVolume
from dockyard.compose.model.project import FileObject, Network, Project, Volume
from dockyard.compose.model.service import Service
from dockyard.errors import NotFound


def service(name: str, *needs: str, **fields: object) -> Service:
    depends = {other: Dependency() for other in needs}
    return Service(name=name, image="x", depends_on=depends, **fields)  # type: ignore[arg-type]


def project(*services: Service, **fields: object) -> Project:
    found = {one.name: one for one in services}
    return Project(name="demo", services=found, **fields)  # type: ignore[arg-type]


STACK = project(
    service("web", "api"), service("api", "db"), service("db"), service("worker", "db")
)  # fmt: skip


def test_what_is_needed_comes_along_and_what_is_not_goes() -> None:
    found = selection.selected(STACK, ["api"])
    assert sorted(found.services) == ["api", "db"]
    assert sorted(found.disabled) == ["web", "worker"]


def test_nothing_named_is_everything() -> None:
    assert selection.selected(STACK, []) is STACK


def test_alone_a_service_waits_for_nobody() -> None:
    found = selection.selected(STACK, ["api"], "nothing")
    assert list(found.services) == ["api"]
    assert found.services["api"].depends_on == {}


def test_dependents_come_along_where_they_are_asked_for() -> None:
    assert sorted(selection.selected(STACK, ["db"], "dependents").services) == [
        "api", "db", "web", "worker",
    ]  # fmt: skip


def test_names_may_be_patterns() -> None:
    assert sorted(selection.selected(STACK, ["w*"], "nothing").services) == ["web", "worker"]


@pytest.mark.parametrize(
    ("name", "hint"), [("wbe", "did you mean web?"), ("zzz", "services are: api, db, web, worker")]
)
def test_a_service_that_is_not_there_is_named(name: str, hint: str) -> None:
    with pytest.raises(NotFound, match=f"no such service: {name}") as caught:
        selection.selected(STACK, [name])
    assert caught.value.hint == hint


def test_a_named_service_brings_its_profiles() -> None:
    whole = project(service("web"), disabled={
        "debug": service("debug", profiles=("tools",)),
        "trace": service("trace", profiles=("tools",)),
        "other": service("other", profiles=("rest",)),
    })  # fmt: skip
    with pytest.raises(NotFound, match="no such service: debug: disabled") as caught:
        selection.selected(whole, ["debug"])
    assert "tools" in (caught.value.hint or "")
    found = selection.enabled(whole, ["debug"])
    assert (sorted(found.services), list(found.disabled)) == (["debug", "trace", "web"], ["other"])


def test_only_what_services_use_is_kept() -> None:
    whole = project(
        service("web", networks={"front": None}, secrets=(FileReference(source="key"),),
                volumes=(ServiceVolume(type="volume", source="data", target="/data"),)),
        networks={"front": Network(), "back": Network()},
        volumes={"data": Volume(), "old": Volume(), "theirs": Volume(external=True)},
        secrets={"key": FileObject(), "other": FileObject()},
    )  # fmt: skip
    found = selection.needed(whole)
    assert (list(found.networks), list(found.volumes), list(found.secrets)) == (
        ["front"], ["data", "theirs"], ["key"],
    ), "of what is external, down has to know"  # fmt: skip


def test_secrets_that_an_extension_names_are_kept() -> None:
    asked = {"x-dockyard": {"auth": {"keys": "secret:keys"}, "port": 1}}
    whole = project(
        service("web", extensions=asked), secrets={"keys": FileObject(), "other": FileObject()}
    )
    assert list(selection.needed(whole).secrets) == ["keys"]
    both = replace(whole, services=whole.services | {"db": service("db")})
    alone = selection.selected(both, ["db"])
    assert list(selection.needed(alone).secrets) == ["keys"], "extensions count as a whole"


def test_dependents_are_restarted_only_where_that_is_said() -> None:
    whole = project(
        service("db"),
        Service(name="api", depends_on={"db": Dependency(restart=True)}),
        Service(name="web", depends_on={"db": Dependency()}),
    )
    assert sorted(selection.restarted(whole, ["db"], dependents=True).services) == ["api", "db"]
    assert list(selection.restarted(whole, ["db"], dependents=False).services) == ["db"]
    assert sorted(selection.restarted(whole, [], dependents=True).services) == ["api", "db", "web"]

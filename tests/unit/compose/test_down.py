"""What ``down`` takes away."""

from __future__ import annotations

import msgspec
from tests.support.compose import made, project, running, situation
from tests.unit.compose.test_reconcile import network, words

from dockyard.compose import labels, selection
from dockyard.compose.down import Owned, down
from dockyard.compose.model.project import Project
from dockyard.compose.observe import Stack
from dockyard.compose.options import DownOptions
from dockyard.volumes.model import Volume


def stack(wanted: Project, **states: str) -> Stack:
    found = situation(wanted, running(wanted), states={
        f"demo-{name}-1": state for name, state in states.items()
    }).stack  # fmt: skip
    return msgspec.structs.replace(found, networks=network(wanted))


def volume(name: str) -> dict[str, str]:
    return {"type": "volume", "source": name, "target": "/data"}


def test_what_needs_others_goes_before_them() -> None:
    wanted = project({"web": {"depends_on": ["db"]}, "db": {}})

    plan = down(wanted, stack(wanted, db="exited"), DownOptions(), Owned())

    assert words(plan) == ["Stop web-1", "Remove web-1", "Stop db-1", "Remove db-1",
                           "RemoveNetwork default"]  # fmt: skip
    assert [each.after for each in plan.actions[1:4]] == [(each.key,) for each in plan.actions[:3]]
    assert [len(stage) for stage in plan.stages] == [4, 1]


def test_named_services_go_with_what_needs_them() -> None:
    wanted = project({"web": {"depends_on": ["db"]}, "db": {}, "other": {}})

    plan = down(wanted, stack(wanted), DownOptions(services=("db",)), Owned())

    assert words(plan)[:4] == ["Stop web-1", "Remove web-1", "Stop db-1", "Remove db-1"]
    assert "Stop other-1" not in words(plan)


def test_a_service_that_a_file_tells_of_goes_with_what_is_its_own_alone() -> None:
    whole = project(
        {"web": {"depends_on": ["db"]}, "db": {"networks": {"default": None, "inner": None},
                                               "volumes": [volume("data")]},
         "worker": {"volumes": [volume("other")]}},
        networks={"default": {"name": "demo_default", "ipam": {}}, "inner": {"name": "demo_inner"}},
        volumes={"data": {"name": "demo_data"}, "other": {"name": "demo_other"}},
    )  # fmt: skip
    old = project({"web": {}}, networks={"default": {"name": "demo_old", "ipam": {}}})
    found = msgspec.structs.replace(
        stack(whole), networks=network(whole) | network(whole, "inner") | network(old)
    )
    wanted = selection.needed(selection.selected(whole, ("db",)))
    options = DownOptions(services=("db",), volumes=True)

    plan = down(wanted, found, options, Owned(volumes=("demo_data", "demo_other")))

    assert words(plan) == ["Stop db-1", "Remove db-1", "RemoveNetwork default",
                           "RemoveNetwork inner", "RemoveVolume data"]  # fmt: skip
    assert [action.ended().status for action in plan.actions[2:4]] == [
        "Resource is still in use", "Removed",
    ]  # fmt: skip


def test_nothing_goes_where_no_service_has_the_name() -> None:
    wanted = project({"web": {}})
    assert not down(wanted, stack(wanted), DownOptions(services=("no",)), Owned()).actions


def test_a_network_stays_for_a_container_that_stays_though_it_is_stopped() -> None:
    whole = project({"web": {}, "tool": {"profiles": ["tools"]}})
    wanted = selection.without(whole, ("tool",))

    *_, action = down(wanted, stack(whole, tool="exited"), DownOptions(), Owned()).actions

    assert action.ended().state == "warning"


def test_volumes_and_images_only_when_asked() -> None:
    wanted = project(
        {"web": {"image": "", "build": {"context": "."}}, "db": {"image": "redis"}},
        volumes={"data": {"name": "demo_data"}, "theirs": {"name": "x", "external": True}},
    )
    known = Stack(name="demo", volumes={
        "demo_old": Volume(name="demo_old", created=0, path=""),
        "x": Volume(name="x", created=0, path=""),
    })  # fmt: skip
    owned = Owned(volumes=("demo_data", "demo_old", "x"), present=("demo-web", "redis"),
                  images={"demo-web": "web", "demo-gone": "gone"})  # fmt: skip

    assert down(wanted, known, DownOptions(), owned).actions == ()
    assert words(down(wanted, known, DownOptions(volumes=True), owned)) == ["RemoveVolume data"], (
        "what the file doesn't name, or says is another's, stays"
    )
    assert words(down(wanted, known, DownOptions(images="local"), owned)) == [
        "RemoveImage web:latest"
    ]
    assert words(down(wanted, known, DownOptions(images="all"), owned)) == [
        "RemoveImage web:latest", "RemoveImage redis:latest",
    ]  # fmt: skip


def test_what_is_external_now_stays_whatever_its_key_was() -> None:
    before = project({"web": {}})
    wanted = project(
        {"web": {}},
        networks={"kept": {"name": "demo_default", "external": True, "ipam": {}}},
        volumes={"one": {"name": "precious"}, "two": {"name": "precious", "external": True}},
    )

    plan = down(wanted, stack(before), DownOptions(volumes=True), Owned(volumes=("precious",)))

    assert words(plan) == ["Stop web-1", "Remove web-1"]


def test_orphans_stay_unless_asked_for() -> None:
    before, wanted = project({"web": {}, "old": {}}), project({"web": {}})
    oneoff = made(before, "web", 1, {labels.ONEOFF: "True"})
    found = situation(wanted, running(before) | {"demo-web-run": oneoff}).stack

    kept = down(wanted, found, DownOptions(), Owned())
    gone = down(wanted, found, DownOptions(remove_orphans=True), Owned())

    assert words(kept) == ["Stop web-1", "Remove web-1"]
    assert sorted(words(gone)) == sorted([
        "Stop web-1", "Remove web-1", "Stop old-1", "Remove old-1", "Stop web-run",
        "Remove web-run",
    ])  # fmt: skip

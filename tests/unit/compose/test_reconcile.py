"""What is to be done for a project, given what there is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.compose import IMAGE, identity, made, project, running, situation

from dockyard.compose import labels, reconcile, selection
from dockyard.compose.actions import (
    Action,
    Await,
    Create,
    MakeNetwork,
    MakeVolume,
    Plan,
    Recreate,
    Remove,
    RemoveNetwork,
    Rename,
    Running,
    Start,
    Stop,
)
from dockyard.compose.converge import Slot, donors
from dockyard.compose.desired import names, shared
from dockyard.compose.model.project import Project
from dockyard.compose.options import CreateOptions, StartOptions
from dockyard.compose.situation import ImageFacts, Situation
from dockyard.errors import Conflict, NotFound
from dockyard.networks.model import Network, Pool
from dockyard.volumes.model import Volume

UP = StartOptions()


def network(wanted: Project, key: str = "default", **changes: Any) -> dict[str, Network]:
    """A network as ``up`` made it."""
    request = shared.network(wanted, key)
    found = Network(
        id="n" * 64, name=request.name, bridge="b", ipv4=Pool(subnet="", gateway=""), mtu=1500,
        labels=request.labels | changes,
    )  # fmt: skip
    return {request.name: found}


def settled(wanted: Project, **more: Any) -> Situation:
    """Everything is there, and runs."""
    return situation(wanted, running(wanted), networks=network(wanted), **more)


def words(plan: Plan) -> list[str]:
    """What is done, in short."""
    found = []
    for action in plan.actions:
        name = action.subject.partition(" ")[2]
        found.append(f"{type(action).__name__} {name.removeprefix('demo-').removeprefix('demo_')}")
    return found


def find(plan: Plan, kind: type[Action], name: str) -> Action:
    return next(each for each in plan.actions if isinstance(each, kind) and name in each.subject)


def test_all_is_made_and_then_started_in_order() -> None:
    wanted = project(
        {"web": {"depends_on": ["db"]}, "db": {"volumes": [
            {"type": "volume", "source": "data", "target": "/data"}]}},
        volumes={"data": {"name": "demo_data"}},
    )  # fmt: skip

    plan = reconcile.up(situation(wanted), CreateOptions(), UP)

    assert words(plan) == ["MakeNetwork default", "MakeVolume data", "Create db-1",
                           "Create web-1", "Start db-1", "Start web-1"]  # fmt: skip
    assert [len(stage) for stage in plan.stages] == [2, 2, 2]
    assert find(plan, Start, "web-1").after == ("start:demo-db-1",)
    assert plan.warnings == ()


def test_nothing_is_done_where_all_is_as_it_should_be() -> None:
    wanted = project({"web": {"depends_on": ["db"]}, "db": {}})

    plan = reconcile.up(settled(wanted), CreateOptions(), UP)

    assert words(plan) == ["Running db-1", "Running web-1"]
    assert plan.actions[0].ended().status == "Running"


def test_only_what_differs_is_made_anew() -> None:
    before = project({"web": {}, "db": {}})
    wanted = project({"web": {"environment": {"A": "1"}}, "db": {}})

    plan = reconcile.up(
        situation(wanted, running(before), networks=network(wanted)), CreateOptions(), UP
    )

    assert words(plan) == ["Running db-1", "Recreate web-1", "Start web-1"]
    recreate = find(plan, Recreate, "web-1")
    assert isinstance(recreate, Recreate)
    assert (recreate.wanted, recreate.number, recreate.inherit) == ("demo-web-1", 1, True)


def test_another_image_is_a_difference() -> None:
    wanted = project({"web": {}})
    fresh = msgspec.structs.replace(
        settled(wanted), images={"web": ImageFacts(id="sha256:" + "2" * 64)}
    )

    assert words(reconcile.up(fresh, CreateOptions(), UP)) == ["Recreate web-1", "Start web-1"]


def test_a_network_or_volume_that_was_lost_is_a_difference() -> None:
    wanted = project(
        {"web": {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}},
        volumes={"data": {"name": "demo_data"}},
    )
    options = running(wanted)["demo-web-1"]
    off = msgspec.structs.replace(
        options, networking=msgspec.structs.replace(options.networking, connections=())
    )
    without = msgspec.structs.replace(options, mounts=())
    found = shared.volume(wanted, "data")
    volumes = {"demo_data": Volume(name="demo_data", created=0, path="", labels=found.labels)}

    for changed in (off, without):
        there = situation(wanted, {"demo-web-1": changed}, networks=network(wanted),
                          volumes=volumes)  # fmt: skip
        assert "Recreate web-1" in words(reconcile.up(there, CreateOptions(), UP))


@pytest.mark.parametrize(
    ("options", "done"),
    [
        (CreateOptions(recreate="force"), ["Recreate db-1", "Recreate web-1"]),
        (CreateOptions(services=("web",), recreate="force"), ["Running db-1", "Recreate web-1"]),
        (CreateOptions(services=("web",), recreate_dependencies="force"),
         ["Recreate db-1", "Running web-1"]),
    ],
)  # fmt: skip
def test_what_is_forced_is_made_anew(options: CreateOptions, done: list[str]) -> None:
    wanted = project({"web": {"depends_on": ["db"]}, "db": {}})

    assert words(reconcile.up(settled(wanted), options)) == done


def test_what_must_stay_stays_though_it_differs() -> None:
    wanted = project({"web": {"environment": {"A": "1"}}})
    there = situation(wanted, running(project({"web": {}})), networks=network(wanted))

    assert words(reconcile.up(there, CreateOptions(recreate="never"), UP)) == ["Running web-1"]


def test_dependents_are_restarted_only_where_they_want_to_be() -> None:
    def services(**changed: Any) -> Project:
        needed = {"db": {"condition": "service_started", "restart": True}}
        return project({"web": {"depends_on": needed}, "job": {"depends_on": ["db"]},
                        "db": changed})  # fmt: skip

    wanted = services(environment={"A": "1"})
    plan = reconcile.up(
        situation(wanted, running(services()), networks=network(wanted)), CreateOptions(), UP
    )

    assert words(plan) == ["Stop web-1", "Recreate db-1", "Running job-1", "Start db-1",
                           "Start web-1"]  # fmt: skip
    assert find(plan, Recreate, "db-1").after == (find(plan, Stop, "web-1").key,)
    assert find(plan, Start, "web-1").after == ("start:demo-db-1",)


@pytest.mark.parametrize(
    "sharing",
    [{"network_mode": "service:db"}, {"pid": "service:db"}, {"ipc": "service:db"},
     {"volumes_from": ["db"]}],
)  # fmt: skip
def test_what_shares_with_a_container_made_anew_is_made_anew(sharing: dict[str, Any]) -> None:
    wanted = project({"web": sharing, "db": {"environment": {"A": "1"}}})
    there = situation(
        wanted,
        {"demo-db-1": made(project({"db": {}}), "db"), "demo-web-1": made(wanted, "web")},
        networks=network(wanted),
    )  # fmt: skip

    plan = reconcile.up(there, CreateOptions(), UP)

    recreate = find(plan, Recreate, "web-1")
    assert f"recreate:{identity(0)}" in recreate.after


def test_what_is_in_the_namespace_of_a_container_that_is_there_stays() -> None:
    wanted = project({"web": {"network_mode": "service:db"}, "db": {}})
    options = made(wanted, "web")
    joined = msgspec.structs.replace(
        options,
        networking=msgspec.structs.replace(options.networking, network=f"container:{identity(0)}"),
    )
    lost = msgspec.structs.replace(
        options, networking=msgspec.structs.replace(options.networking, network="container:gone")
    )

    def plan(own: Any) -> list[str]:
        present = {"demo-db-1": made(wanted, "db"), "demo-web-1": own}
        there = situation(wanted, present, networks=network(wanted))
        return words(reconcile.up(there, CreateOptions(), UP))

    assert plan(joined) == ["Running db-1", "Running web-1"]
    assert "Recreate web-1" in plan(lost)


def test_who_has_volumes_of_another_is_made_anew_where_it_lacks_one_of_them() -> None:
    def mount(source: str, target: str = "/data") -> dict[str, str]:
        return {"type": "volume", "source": source, "target": target}

    def wanted(source: str) -> Project:
        return project({
            "job": {"volumes_from": ["db:ro"], "volumes": [mount("mine", "/own")]},
            "db": {"volumes": [mount(source), mount(source, "/own"),
                               {"type": "tmpfs", "target": "/tmp"}]},
        })  # fmt: skip

    def plan(source: str) -> list[str]:
        job = made(wanted("new"), "job")
        given = made(wanted(source), "db").mounts[0]
        job = msgspec.structs.replace(job, mounts=(*job.mounts, given))
        present = {"demo-db-1": made(wanted("new"), "db"), "demo-job-1": job}
        there = situation(wanted("new"), present, networks=network(wanted("new")))
        return words(reconcile.up(there, CreateOptions(), UP))

    assert plan("new") == ["Running db-1", "Running job-1"]
    assert "Recreate job-1" in plan("old")


def test_names_have_another_separator_in_the_compatibility_mode() -> None:
    wanted = project({"web": {"network_mode": "service:db"},
                      "db": {"image": "", "build": {"context": "."}}})  # fmt: skip
    older = msgspec.structs.replace(wanted, separator="_")

    plan = reconcile.up(situation(older, networks=network(older)), CreateOptions(), UP)

    assert [each.subject for each in plan.actions][:2] == [
        "Container demo_db_1", "Container demo_web_1",
    ]  # fmt: skip
    assert made(older, "web").networking.network == "container:demo_db_1"
    assert names.image_name(older, older.services["db"]) == "demo_db"


def test_scaling_up_and_down() -> None:
    two = project({"web": {"scale": 2}})
    four = project({"web": {"scale": 4}})
    one = project({"web": {"scale": 1}})
    present = {f"demo-web-{number}": made(two, "web", number) for number in (1, 2)}
    there: Any = {"networks": network(two)}

    up = reconcile.up(situation(four, present, **there), CreateOptions(), UP)
    down = reconcile.up(situation(one, present, **there), CreateOptions(), UP)
    none = reconcile.up(situation(project({"web": {"scale": 0}}), present, **there),
                        CreateOptions(), UP)  # fmt: skip

    assert words(up)[2:] == ["Create web-3", "Create web-4", "Start web-3", "Start web-4"]
    assert words(down) == ["Running web-1", "Stop web-2", "Remove web-2"]
    assert words(none) == ["Stop web-1", "Remove web-1", "Stop web-2", "Remove web-2"]


def test_what_is_outdated_goes_first_when_scaling_down() -> None:
    old, wanted = project({"web": {"environment": {"A": "1"}}}), project({"web": {}})
    present = {"demo-web-1": made(old, "web", 1), "demo-web-2": made(wanted, "web", 2)}

    plan = reconcile.up(situation(wanted, present, networks=network(wanted)), CreateOptions(), UP)

    assert words(plan) == ["Running web-2", "Stop web-1", "Remove web-1"]


def test_orphans_are_told_of_or_removed() -> None:
    before, wanted = project({"web": {}, "old": {}}), project({"web": {}})
    there = situation(wanted, running(before), networks=network(wanted))

    told = reconcile.up(there, CreateOptions(), UP)
    removed = reconcile.up(there, CreateOptions(remove_orphans=True), UP)
    ignored = reconcile.up(there, CreateOptions(ignore_orphans=True), UP)

    assert "Found orphan containers ([demo-old-1]) for this project." in told.warnings[0]
    assert words(removed) == ["Stop old-1", "Remove old-1", "Running web-1"]
    assert (removed.warnings, ignored.warnings) == ((), ())


def test_stopped_containers_are_started() -> None:
    wanted = project({"web": {}})
    there = situation(wanted, running(wanted), states={"demo-web-1": "exited"},
                      networks=network(wanted))  # fmt: skip

    assert words(reconcile.up(there, CreateOptions(), UP)) == ["Start web-1"]
    assert words(reconcile.up(there, CreateOptions())) == []


def test_conditions_are_waited_for() -> None:
    wanted = project({
        "web": {"depends_on": {"db": {"condition": "service_healthy"},
                               "init": {"condition": "service_completed_successfully"}}},
        "db": {}, "init": {"depends_on": ["db"]},
    })  # fmt: skip

    plan = reconcile.up(situation(wanted), CreateOptions(), StartOptions(wait=True))

    waits = [each for each in plan.stages[2] if isinstance(each, Await)]
    assert {(each.service, each.condition) for each in waits} == {
        ("db", "service_healthy"), ("init", "service_completed_successfully"),
    }  # fmt: skip
    assert all("start:demo-db-1" in each.after for each in waits)
    assert {each.key for each in waits} < set(find(plan, Start, "web-1").after)
    last = [each for each in plan.stages[3] if isinstance(each, Await)]
    assert {(each.service, each.condition) for each in last} == {
        ("db", "running_or_healthy"), ("init", "service_completed_successfully"),
        ("web", "running_or_healthy"),
    }  # fmt: skip


def test_services_without_containers_keep_nobody_waiting() -> None:
    wanted = project({
        "web": {"depends_on": {"none": {"condition": "service_healthy"}}},
        "none": {"scale": 0, "depends_on": ["db"]}, "db": {},
    })  # fmt: skip

    plan = reconcile.up(situation(wanted), CreateOptions(), UP)

    assert find(plan, Start, "web-1").after == ("start:demo-db-1",)
    assert not any(isinstance(each, Await) for each in plan.actions)


def test_a_network_that_changed_is_made_anew_while_its_containers_are_down() -> None:
    wanted = project({"web": {}})
    there = situation(wanted, running(wanted), networks=network(wanted, **{labels.HASH: "another"}))

    plan = reconcile.up(there, CreateOptions(), UP)

    assert words(plan) == ["Stop web-1", "RemoveNetwork default", "MakeNetwork default",
                           "Start web-1"]  # fmt: skip
    assert find(plan, RemoveNetwork, "default").after == (find(plan, Stop, "web-1").key,)
    assert find(plan, MakeNetwork, "default").after == ("remove:demo_default",)


def test_a_network_that_changed_stays_where_others_would_lose_it() -> None:
    both = project({"web": {}, "db": {}})
    there = situation(both, running(both), networks=network(both, **{labels.HASH: "another"}))
    alone = selection.selected(both, ["web"], "nothing")

    plan = reconcile.up(msgspec.structs.replace(there, project=alone), CreateOptions(), UP)

    assert words(plan) == ["Running web-1"]
    (warning,) = plan.warnings
    assert "It stays as it is: demo-db-1 would lose it and not be started again" in warning


def test_the_first_container_is_that_of_the_lowest_number() -> None:
    wanted = project({"job": {"network_mode": "service:web"}, "web": {"scale": 10}})
    ten = tuple(Slot(name=f"demo-web-{number}", number=number) for number in range(10, 1, -1))

    found = donors(wanted, wanted.services["job"], {"web": ten})

    assert found == {"demo-web-1": "demo-web-2"}


def test_networks_of_others() -> None:
    wanted = project({"web": {}})
    foreign = network(wanted, **{labels.PROJECT: "other"})
    another = network(wanted, **{labels.NETWORK: "else"})

    plan = reconcile.up(situation(wanted, networks=foreign), CreateOptions())
    assert 'was not created for project "demo"' in plan.warnings[0]
    with pytest.raises(Conflict, match=r"has incorrect label com\.docker\.compose\.network"):
        reconcile.up(situation(wanted, networks=another), CreateOptions())


def test_what_is_external_has_to_be_there() -> None:
    wanted = project(
        {"web": {"networks": {"net": None}}},
        networks={"net": {"name": "up", "ipam": {}, "external": True}},
    )
    with pytest.raises(NotFound, match="network up declared as external, but could not be found"):
        reconcile.up(situation(wanted), CreateOptions())
    wanted = project(
        {"web": {"volumes": [{"type": "volume", "source": "data", "target": "/d"}]}},
        volumes={"data": {"name": "data", "external": True}},
    )
    with pytest.raises(NotFound, match='external volume "data" not found'):
        reconcile.up(situation(wanted), CreateOptions())


def test_a_volume_that_changed_is_made_anew_only_where_that_is_agreed_to() -> None:
    wanted = project(
        {"web": {"volumes": [{"type": "volume", "source": "data", "target": "/d"}]}},
        volumes={"data": {"name": "demo_data"}},
    )
    known = shared.volume(wanted, "data").labels | {labels.HASH: "another"}
    there = situation(
        wanted, running(wanted), networks=network(wanted),
        volumes={"demo_data": Volume(name="demo_data", created=0, path="", labels=known)},
    )  # fmt: skip

    kept = reconcile.up(there, CreateOptions(), UP)
    anew = reconcile.up(there, CreateOptions(yes=True), UP)

    assert words(kept) == ["Running web-1"]
    assert "exists but doesn't match configuration" in kept.warnings[0]
    assert words(anew) == ["Stop web-1", "Remove web-1", "RemoveVolume data", "MakeVolume data",
                           "Create web-1", "Start web-1"]  # fmt: skip
    assert find(anew, MakeVolume, "data").after == ("remove:demo_data",)


def test_a_killed_recreation_is_undone_or_finished() -> None:
    wanted = project({"web": {}})
    old = made(project({"web": {"environment": {"A": "1"}}}), "web")
    new = msgspec.structs.replace(
        made(wanted, "web"), labels=made(wanted, "web").labels | {labels.REPLACE: "demo-web-1"}
    )
    temporary = f"{identity(0)[:12]}_demo-web-1"

    both = situation(wanted, {"demo-web-1": old, temporary: new}, states={temporary: "created"},
                     networks=network(wanted))  # fmt: skip
    alone = situation(wanted, {temporary: new}, states={temporary: "created"},
                      networks=network(wanted))  # fmt: skip
    gone = msgspec.structs.replace(
        alone.stack.containers[0],
        record=msgspec.structs.replace(alone.stack.containers[0].record, id="9" * 64),
    )
    alone = msgspec.structs.replace(
        alone, stack=msgspec.structs.replace(alone.stack, containers=(gone,))
    )

    undone = reconcile.up(both, CreateOptions(), UP)
    finished = reconcile.up(alone, CreateOptions(), UP)

    assert [type(each) for each in undone.actions] == [Remove, Recreate, Start]
    assert undone.actions[0].subject == f"Container {temporary}"
    assert [type(each) for each in finished.actions] == [Rename, Start]
    assert isinstance(rename := finished.actions[0], Rename)
    assert rename.wanted == "demo-web-1"


def test_names_are_free_before_the_containers_that_need_them_are_made() -> None:
    wanted = project({"web": {}})
    marked = made(wanted, "web").labels | {labels.REPLACE: "demo-web-1"}
    old = made(project({"web": {"environment": {"A": "1"}}}), "web")
    new = msgspec.structs.replace(made(wanted, "web"), labels=marked)
    stale = msgspec.structs.replace(old, labels=old.labels | {labels.REPLACE: "demo-web-1"})
    temporary, lone = f"{identity(0)[:12]}_demo-web-1", f"{'9' * 12}_demo-web-1"

    both = situation(wanted, {"demo-web-1": old, temporary: new}, networks=network(wanted))
    alone = situation(wanted, {lone: stale}, networks=network(wanted))

    undone = reconcile.up(both, CreateOptions(), UP).stages
    finished = reconcile.up(alone, CreateOptions(), UP).stages
    assert [[type(each) for each in stage] for stage in undone] == [[Remove], [Recreate], [Start]]
    assert [[type(each) for each in stage] for stage in finished] == [[Rename], [Recreate], [Start]]


def test_each_of_several_containers_waits_for_the_stops_of_their_dependents() -> None:
    def services(value: str) -> Project:
        needed = {"db": {"condition": "service_started", "restart": True}}
        return project({"web": {"depends_on": needed},
                        "db": {"environment": {"A": value}, "scale": 2}})  # fmt: skip

    present = {**running(services("1")), "demo-db-2": made(services("1"), "db", 2)}
    plan = reconcile.up(
        situation(services("2"), present, networks=network(services("2"))), CreateOptions(), UP
    )

    stop = find(plan, Stop, "web-1").key
    assert stop in find(plan, Recreate, "db-1").after
    assert stop in find(plan, Recreate, "db-2").after


def test_what_differs_stays_where_that_is_asked_for() -> None:
    wanted = project(
        {"web": {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}},
        volumes={"data": {"name": "demo_data"}},
    )
    other = {labels.HASH: "another", labels.PROJECT: "demo"}
    there = situation(
        wanted, running(wanted), networks=network(wanted, **other),
        volumes={"demo_data": Volume(name="demo_data", created=0, path="", labels=other)},
    )  # fmt: skip

    plan = reconcile.up(there, CreateOptions(keep_shared=True, yes=True), UP)

    assert words(plan) == ["Running web-1"]
    assert [each.partition(" exists")[0] for each in plan.warnings] == [
        'Network "demo_default"', 'Volume "demo_data"',
    ]  # fmt: skip


def test_a_donor_by_another_number_is_named() -> None:
    wanted = project({"web": {"network_mode": "service:db"}, "db": {}})
    present = {"demo-db-2": made(wanted, "db", 2)}

    plan = reconcile.up(situation(wanted, present, networks=network(wanted)), CreateOptions())

    assert isinstance(create := find(plan, Create, "web-1"), Create)
    assert create.donors == {"demo-db-1": "demo-db-2"}


def test_images_that_come_later_are_no_difference() -> None:
    """A dry run doesn't know them."""
    wanted = project({"web": {}})
    there = msgspec.structs.replace(settled(wanted), images={})

    assert [type(each) for each in reconcile.up(there, CreateOptions(), UP).actions] == [Running]
    assert IMAGE.id

"""Services that are updated a few containers at a time."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.compose import made, project, situation
from tests.unit.compose.test_reconcile import network

from dockyard.compose import reconcile
from dockyard.compose.actions import Action, Await, Pause, Recreate, Start, Stop
from dockyard.compose.options import CreateOptions, StartOptions


def update(count: int, how: dict[str, Any], **more: Any) -> list[Action]:
    """What is done in the last stage where all containers of a service are outdated."""

    def services(value: str) -> Any:
        web = {"scale": count, "environment": {"A": value}, **more,
               "deploy": {"placement": {}, "update_config": how}}  # fmt: skip
        return project({"web": web, "after": {"depends_on": ["web"]}})

    old, wanted = services("1"), services("2")
    present = {f"demo-web-{number}": made(old, "web", number) for number in range(1, count + 1)}
    there = situation(wanted, present, networks=network(wanted))
    return list(reconcile.up(there, CreateOptions(), StartOptions()).stages[-1])


def kinds(actions: list[Action]) -> list[str]:
    return [f"{type(each).__name__} {each.subject.partition(' ')[2].rpartition('-')[2]}"
            for each in actions]  # fmt: skip


def test_batches_follow_each_other() -> None:
    found = update(3, {"parallelism": 2, "delay": "5s"})

    assert kinds(found) == [
        "Recreate 1", "Start 1", "Recreate 2", "Start 2", "Await 1", "Pause web", "Recreate 3",
        "Start 3", "Start 1",
    ]  # fmt: skip
    recreations = [each for each in found if isinstance(each, Recreate)]
    waits = next(each for each in found if isinstance(each, Await))
    pause = next(each for each in found if isinstance(each, Pause))
    assert recreations[0].after == recreations[1].after == ()
    assert waits.after == ("start:demo-web-1", "start:demo-web-2")
    assert waits.names == ("demo-web-1", "demo-web-2")
    assert (pause.after, pause.seconds) == ((waits.key,), 5)
    assert recreations[2].after == (pause.key,)
    last = found[-1]
    assert isinstance(last, Start)
    assert last.name == "demo-after-1"
    assert "start:demo-web-3" in last.after


def test_one_at_a_time_unless_it_says_otherwise() -> None:
    assert kinds(update(2, {})) == [
        "Recreate 1", "Start 1", "Await 1", "Recreate 2", "Start 2", "Start 1",
    ]  # fmt: skip
    assert kinds(update(2, {"parallelism": 0})) == ["Start 1", "Start 2", "Start 1"]


def test_what_fails_ends_it_or_not_and_is_watched_for_a_while() -> None:
    found = update(3, {"parallelism": 2, "failure_action": "continue", "monitor": "3s"})

    waits = [each for each in found if isinstance(each, Await)]
    assert [(each.names, each.required, each.monitor) for each in waits] == [
        (("demo-web-1", "demo-web-2"), False, 3.0), (("demo-web-3",), False, 3.0),
    ]  # fmt: skip
    assert waits[1].after == ("start:demo-web-3",)
    (usual,) = (each for each in update(2, {}) if isinstance(each, Await))
    assert (usual.required, usual.monitor) == (True, 0.0)


def test_the_new_one_may_run_first() -> None:
    found = update(1, {"order": "start-first"})

    assert [type(each).__name__ for each in found] == [
        "Substitute", "Start", "Await", "Stop", "Remove", "Rename", "Start",
    ]  # fmt: skip
    for before, after in itertools.pairwise(found[:6]):
        assert after.after == (before.key,)
    stop = found[3]
    assert isinstance(stop, Stop)
    assert (stop.name, found[1].subject) == ("demo-web-1", f"Container {stop.id[:12]}_demo-web-1")


def test_a_port_of_the_host_is_for_one_container() -> None:
    ports = [{"target": 80, "published": "80"}]

    assert kinds(update(1, {"order": "start-first"}, ports=ports))[:1] == ["Start 1"]

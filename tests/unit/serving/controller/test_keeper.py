"""What the keeper says of replicas that fail, and of queues."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from dockyard.serving.activator.model import Figures, Stats
from dockyard.serving.controller import act
from dockyard.serving.controller.fleet import Fleet
from dockyard.serving.controller.keeper import Keeper
from dockyard.serving.controller.model import Replica
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.model import Queue, Ready, Route, Service, Variant
from dockyard.serving.records import Declared, Standing, Template

NOTHING = cast("Any", None)
KEY = ("shop", "web")
NOW = 1000.0
WEB = Variant(name="web", port=9999, ready=Ready(path="/healthz", deadline=300.0))
DECLARED = Declared(
    service=Service(
        project="shop", name="web", route=Route(listen="127.0.0.1:8080"), variants=(WEB,),
        queue=Queue(max=200),
    ),
    templates={"web": Template(options=NOTHING, image_id="i", image_name="i", hash="t")},
)  # fmt: skip


@pytest.fixture(autouse=True)
def _since_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controllers began at 0."""
    monkeypatch.setattr("time.time", lambda: 0.0)


def keeper() -> tuple[Keeper, Fleet]:
    fleet = Fleet(NOTHING, NOTHING, Reporter(), lambda: None, lambda *_: None)
    return Keeper(fleet, Reporter()), fleet


def replica(age: float, **fields: Any) -> Replica:
    given = {"id": "a", "name": "web-1", "number": 1, "template": "t", "state": "starting"}
    return Replica(**{**given, **fields}, started=NOW - age)


def stats(waiting: int, overflowed: int) -> Stats:
    found = Figures(waiting=waiting, overflowed=overflowed)
    return Stats(pid=1, started=0.0, version=1, targets={"shop.web": found})


def settled(one: Keeper, before: Standing, *replicas: Replica, now: float = NOW) -> Standing:
    return one.settled(KEY, DECLARED, WEB, before, replicas, now, "")


def test_one_that_missed_its_deadline_is_told_with_its_last_lines_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(act, "remove", lambda _engine, container_id: removed.append(container_id))

    async def late() -> Standing:
        one, fleet = keeper()
        late = replica(301.0)
        fleet.obstacles["a"] = "connection refused"
        assert one.is_late(late, WEB, NOW)
        words = ("loading weights", "listening on 8000")
        found = one.late(KEY, Standing(wanted=1), late, WEB, words, NOW)
        assert one.late(KEY, found, late, WEB, words, NOW) is found, "it is told once"
        await fleet.leaving["a"]
        await fleet.close()
        return settled(one, found)

    found = asyncio.run(late())
    assert removed == ["a"]
    assert found.condition == "failed", "who waits is told after the first one"
    assert found.reason == (
        "web-1 wasn't ready within 300 s: GET /healthz on port 9999: connection refused:"
        " listening on 8000"
    )
    printed = capsys.readouterr().out.splitlines()
    assert "shop/web web-1: loading weights" in printed
    assert "shop/web web-1: listening on 8000" in printed


def test_a_new_controller_gives_those_that_are_too_busy_to_answer_their_time_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.time", lambda: NOW - 10)
    one, _ = keeper()
    assert not one.is_late(replica(5000.0), WEB, NOW)
    assert one.is_late(replica(5000.0), WEB, NOW + 291)


def test_one_that_becomes_ready_in_the_last_moment_stays() -> None:
    one, fleet = keeper()
    fleet.ready_since["a"] = NOW
    before = Standing(wanted=1)

    assert one.late(KEY, before, replica(301.0), WEB, (), NOW) is before
    assert fleet.leaving == {}


def test_one_that_still_starts_has_its_obstacle_in_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, fleet = keeper()
    fleet.obstacles["a"] = "connection refused"

    found = settled(one, Standing(wanted=1), replica(34.0))
    assert found.condition == "starting"
    assert found.reason == "web-1 runs for 34 s; GET /healthz on port 9999: connection refused"
    fleet.forget(())
    assert settled(one, found, replica(35.0)).reason == ""


def test_a_full_queue_is_told_while_it_is_and_a_minute_longer() -> None:
    one, _ = keeper()
    one.see(None, stats(200, 12))
    full = settled(one, Standing(wanted=1), replica(9.0, state="ready"))
    assert (full.condition, full.reason) == (
        "serving", "queue full: 200 wait, 12 refused in the last minute"
    )  # fmt: skip

    one.see(None, stats(0, 12))
    after = settled(one, full, replica(9.0, state="ready"), now=NOW + 59)
    assert after.reason == "queue was full: 12 refused in the last minute"
    one.see(None, None)  # nor does it stay where the activator doesn't answer any more
    assert settled(one, after, replica(9.0, state="ready"), now=NOW + 61).reason == ""


def test_another_controller_goes_on_with_what_was_written_down() -> None:
    first, _ = keeper()
    first.see(None, stats(0, 12))
    before = settled(first, Standing(wanted=1), replica(9.0, state="ready"))

    second, _ = keeper()
    second.see(None, stats(0, 12))
    after = settled(second, before, replica(9.0, state="ready"), now=NOW + 10)
    assert after.reason == "queue was full: 12 refused in the last minute"

"""What the controller knows of replicas that end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from dockyard.serving.controller import act
from dockyard.serving.controller.fleet import Fleet
from dockyard.serving.controller.model import Replica
from dockyard.serving.controller.reporter import Reporter

NOTHING = cast("Any", None)


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """That of a controller that began at 1000."""
    monkeypatch.setattr("time.time", lambda: 1000.0)
    return Fleet(NOTHING, NOTHING, NOTHING, lambda: None, lambda *_: None)


def replica(started: float) -> Replica:
    return Replica(id="a", name="a", number=1, template="t", state="ended", started=started)


def test_one_that_was_never_ready_has_not_run(fleet: Fleet) -> None:
    assert fleet.ran(replica(1001.0), 1060.0) == 0


def test_one_ran_from_when_it_was_ready(fleet: Fleet) -> None:
    fleet.ready_since["a"] = 1005.0
    assert fleet.ran(replica(1001.0), 1060.0) == 55


def test_one_that_is_older_than_the_controller_ran_from_its_start(fleet: Fleet) -> None:
    fleet.ready_since["a"] = 1002.0  # when this controller found it
    assert fleet.ran(replica(900.0), 1004.0) == 104


def test_one_that_is_drained_stays_until_the_gateway_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(act, "remove", lambda _engine, container_id: removed.append(container_id))

    async def drain() -> None:
        fleet = Fleet(NOTHING, NOTHING, NOTHING, lambda: None, lambda *_: None)
        fleet.drain(replica(0.0), 30.0)
        await asyncio.sleep(0.5)
        assert (removed, fleet.state("a")) == ([], "draining")
        fleet.told()
        await fleet.leaving["a"]
        await fleet.close()

    asyncio.run(drain())
    assert removed == ["a"]


def test_one_that_was_made_counts_as_such_until_a_later_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(act, "start", lambda *_: "made")

    async def start() -> None:
        fleet = Fleet(NOTHING, NOTHING, Reporter(), lambda: None, lambda *_: None)
        key = ("shop", "web")
        before = fleet.finished()
        fleet.start(key, "web", NOTHING, ())
        await asyncio.sleep(0.2)
        fleet.seen(before)
        assert fleet.pending(key) == 1, "the look began before it was made"
        fleet.start(key, "web", NOTHING, ())
        assert fleet.makes(key, 2), "no number is given twice"
        fleet.seen(fleet.finished())
        assert fleet.pending(key) == 1
        await fleet.close()

    asyncio.run(start())

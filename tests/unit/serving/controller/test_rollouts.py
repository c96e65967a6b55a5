"""What the controller makes of a rollout, by the gateway's log and by how replicas stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from dockyard.containers.options import Options
from dockyard.serving.controller.counting import Counting
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.controller.rollouts import Rollouts
from dockyard.serving.decide import rollout as deciding
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.decide.model import Rollout, Step
from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.records import Declared, Standing, Template
from dockyard.serving.store import ServingStore
from dockyard.state.database import Database

KEY, WEB, NEXT = ("p", "web"), ("p", "web"), ("p", "next")
BEGUN = 1000.0
READY = Standing(condition="serving", ready=1, current=1, template="t", ever_ready=True)
LOOP = Failures(count=3, at=BEGUN + 5, reason="p-next-1 exited with code 3")
CRASHING = replace(READY, condition="failed", ready=0, current=0, failures=LOOP, reason=LOOP.reason)
WELL = {WEB: READY, NEXT: READY}


def declared(canary: str = "t", **more: bool) -> Declared:
    variants = tuple(Variant(name=name, port=80) for name in ("web", "next"))
    template = Template(options=Options(), image_id="", image_name="", hash="t")
    return Declared(
        service=Service(
            project="p", name="web", route=Route(listen="127.0.0.1:80"), variants=variants
        ),
        templates={"web": template, "next": replace(template, hash=canary)},
        suspended=more.get("suspended", False),
    )


class Desk:
    """Rollouts with a store and a log of their own, and a clock that the test moves."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(str(directory / "state.db"))
        self.store = ServingStore(self.database)
        self.reporter = Reporter()
        self._log = directory / "access.log"
        self._rollouts = Rollouts(self.store, self.reporter, Counting(str(self._log)))
        self.now = BEGUN
        steps = (Step(weight=10, pause=10.0), Step(weight=50, pause=10.0))
        self.store.put_rollout(deciding.begin(
            "p", "web", "next", {"web": 100, "next": 0}, BEGUN, steps=steps
        ))  # fmt: skip

    def answers(self, canary: int, stable: int, *, status: int = 200) -> None:
        """Requests that ended now; ``status`` is the canary's."""
        lines = [("p.next", status)] * canary + [("p.web", 200)] * stable
        with self._log.open("ab") as log:
            for target, code in lines:
                fields = {"target": target, "upstream": "10.0.0.2:80", "status": code,
                          "duration": 3.0, "at": str(self.now)}  # fmt: skip
                log.write(msgspec.json.encode(fields) + b"\n")

    def look(
        self, standings: dict[tuple[str, str], Standing] = WELL, seconds: float = 2.0,
        what: Declared | None = None,
    ) -> Rollout:  # fmt: skip
        """After so many seconds."""
        self.now += seconds
        going_on = self._rollouts.look([what or declared()], standings, self.now)
        found = self.store.rollouts()[KEY]
        assert (found.state == "running") == (KEY in going_on)
        return found

    def told(self) -> list[str]:
        """What ``explain`` says of the canary."""
        self.reporter.write(self.store)
        return [one.text for one in self.store.decisions("p", "next", 20)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


def test_a_good_canary_goes_on_step_by_step_and_is_promoted(desk: Desk) -> None:
    seen = []
    while desk.now < BEGUN + 60 and desk.look().state == "running":
        seen.append(desk.store.rollouts()[KEY].step)
        desk.answers(10, 90)
    assert (seen, set(seen)) == (sorted(seen), {0, 1})
    assert desk.store.rollouts()[KEY].state == "promoted"
    told = [one.split(":")[0] for one in desk.told()]
    assert [one for one in told if one != "wait"] == ["advance", "promote"]


def test_one_whose_requests_fail_is_rolled_back(desk: Desk) -> None:
    desk.answers(50, 450, status=500)
    found = desk.look()
    assert (found.state, "50 of 50" in found.why) == ("rolled-back", True)
    assert any(one.startswith("rollback: requests fail") for one in desk.told())


def test_one_whose_replicas_crash_is_rolled_back_without_a_request(desk: Desk) -> None:
    once = replace(LOOP, count=1)
    assert desk.look({WEB: READY, NEXT: replace(READY, failures=once)}).state == "running"
    found = desk.look({WEB: READY, NEXT: CRASHING})
    assert found.state == "rolled-back"
    assert found.why == "its replicas fail, 3 times in a row: p-next-1 exited with code 3"


def test_a_replica_that_serves_beside_does_not_hide_those_that_crash(desk: Desk) -> None:
    assert desk.look({WEB: READY, NEXT: replace(READY, failures=LOOP)}).state == "rolled-back"


def test_nobody_is_blamed_where_the_stable_version_crashes_as_well(desk: Desk) -> None:
    found = desk.look({WEB: CRASHING, NEXT: CRASHING})
    assert found.state == "running"
    assert found.why == "no verdict yet: next isn't ready: p-next-1 exited with code 3"


@pytest.mark.parametrize(
    "before",
    [
        replace(CRASHING, failures=replace(LOOP, at=BEGUN - 1)),
        replace(CRASHING, template="another"),
    ],
)
def test_what_crashed_before_the_rollout_or_another_version_says_nothing(
    desk: Desk, before: Standing
) -> None:
    assert desk.look({WEB: READY, NEXT: before}).state == "running"


def test_a_canary_that_is_replaced_is_judged_by_its_own_requests_alone(desk: Desk) -> None:
    for _ in range(4):
        desk.look()
        desk.answers(100, 100)
    other, stands = declared("mended"), {WEB: READY, NEXT: replace(READY, template="mended")}
    replaced = desk.look(what=other)
    assert (replaced.observed, replaced.why) == (0.0, "begins its step anew: another version")
    whys = [desk.look(stands, what=other).why for _ in range(4)]
    assert all("0 of 50 requests" in why for why in whys)
    while desk.now < BEGUN + 60 and desk.look(stands, what=other).state == "running":
        desk.answers(10, 90)
    assert desk.store.rollouts()[KEY].state == "promoted"
    assert desk.told().count("begins its step anew: another version") == 1


def test_one_that_is_not_ready_goes_no_further_but_may_be_rolled_back(desk: Desk) -> None:
    waiting = replace(READY, current=0, reason="it doesn't fit")
    for _ in range(8):
        desk.look()
        desk.answers(20, 180)
    found = desk.look({WEB: READY, NEXT: waiting})
    assert (found.step, "next isn't ready: it doesn't fit" in found.why) == (1, True)
    desk.answers(50, 50, status=503)
    assert desk.look({WEB: READY, NEXT: waiting}).state == "rolled-back"


def test_nothing_is_decided_while_the_service_is_stopped(desk: Desk) -> None:
    desk.answers(500, 500, status=503)
    assert desk.look(what=declared(suspended=True)).state == "running"


def test_one_whose_canary_left_the_file_is_over(desk: Desk) -> None:
    whole = declared()
    left = replace(whole, service=replace(whole.service, variants=whole.service.variants[:1]))
    assert desk.look(what=left).why == "its variant isn't there"

from __future__ import annotations

from typing import Any

import pytest

from dockyard.serving.controller import standing
from dockyard.serving.controller.model import Replica
from dockyard.serving.decide import backoff
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.model import Ready, Variant
from dockyard.serving.records import Standing

NOW = 1000.0
WEB = Variant(name="web", port=9999, ready=Ready(path="/healthz"))
KILLED = "web-2 was killed for its memory (its limit is 64 MiB)"


def replica(number: int = 1, **fields: Any) -> Replica:
    given = {"id": f"id-{number}", "name": f"web-{number}", "number": number, "template": "t",
             "state": "ready"}  # fmt: skip
    return Replica(**{**given, **fields})


def settled(before: Standing, *replicas: Replica, now: float = NOW, **more: Any) -> Standing:
    return standing.settled(
        before, replicas, more.pop("served", 500.0), now, suspended=more.pop("suspended", False),
        template="t", **more,
    )  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), [
    ({"oom_killed": True, "memory": 64 << 20, "exit_code": 137}, KILLED),
    ({"oom_killed": True}, "web-2 was killed for its memory"),
    ({"exit_code": 137}, "web-2 was killed"),
    ({"exit_code": 139}, "web-2 crashed (SIGSEGV)"),
    ({"exit_code": 3}, "web-2 exited with code 3"),
])  # fmt: skip
def test_an_end_has_a_reason(fields: dict[str, Any], said: str) -> None:
    assert standing.end_reason(replica(2, state="ended", **fields)) == said


def test_a_variant_without_need_is_idle_and_one_in_need_starts() -> None:
    assert settled(Standing()).condition == "idle"
    assert settled(Standing(wanted=1)).condition == "starting"


def test_another_version_has_yet_to_show_what_it_needs_and_that_it_serves() -> None:
    before = Standing(
        template="old", ever_ready=True, memory_peak=1 << 30, failures=Failures(count=3)
    )
    idle = standing.of_another_version(before, ())
    assert (idle.ever_ready, idle.memory_peak, idle.failures.count) == (False, 0, 0)
    serving = replica(state="ready", template="old")
    assert standing.of_another_version(before, (serving,)).ever_ready, "its replicas go on"


def test_a_peak_of_memory_only_rises_in_coarse_steps() -> None:
    once = standing.with_peak(Standing(), (100 << 20) + 1)
    assert once.memory_peak == 112 << 20
    assert standing.with_peak(once, 111 << 20) is once
    assert standing.with_peak(once, 0) is once


def test_one_that_was_stopped_says_only_that() -> None:
    failed = standing.failed(Standing(wanted=1), KILLED, NOW)
    found = settled(failed, suspended=True, notes=("the queue is full",))

    assert (found.condition, found.reason) == ("suspended", "it was stopped")


def test_a_failure_is_the_reason_while_nothing_serves_with_what_was_printed_last() -> None:
    failed = standing.failed(Standing(wanted=1), KILLED, NOW, hopeless=True, last_words="loading")
    found = settled(failed, now=NOW + 30)

    assert (found.condition, found.reason) == ("failed", f"{KILLED}: loading")


def test_a_failure_beside_replicas_that_serve_is_told_for_two_minutes() -> None:
    failed = standing.failed(Standing(wanted=2), KILLED, NOW)
    found = settled(failed, replica(1), now=NOW + 40)

    assert (found.condition, found.reason) == ("serving", f"{KILLED}, 40 s ago")
    later = settled(found, replica(1), replica(2), now=NOW + backoff.QUIET + 1)
    assert (later.condition, later.reason) == ("serving", "")
    fresh = settled(found, replica(1), now=NOW + backoff.QUIET + 1, served=0.0)
    assert fresh.reason == ""


def test_a_new_version_that_fails_is_the_reason_though_the_old_one_serves() -> None:
    failed = standing.failed(Standing(wanted=1), "web-2 exited with code 3", NOW)
    found = settled(failed, replica(1, template="old"), now=NOW + 40)

    assert (found.condition, found.current) == ("serving", 0)
    assert found.reason == "web-2 exited with code 3"


def test_all_that_is_wrong_is_said_in_one_line() -> None:
    failed = standing.failed(Standing(wanted=2), KILLED, NOW)
    found = settled(failed, replica(1), now=NOW + 1, notes=("", "no room", "queue full: 9 wait"))

    assert found.reason == f"{KILLED}, 1 s ago; no room; queue full: 9 wait"


def starting(number: int, age: float) -> Replica:
    return replica(number, state="starting", started=NOW - age)


REFUSED = {"id-1": "connection refused", "id-2": "it answers 503"}


def test_one_that_starts_for_long_says_what_keeps_it() -> None:
    replicas = [starting(1, 34.0), starting(2, 20.0)]

    assert standing.starting_note(replicas, WEB, REFUSED, NOW) == (
        "web-1 runs for 34 s; GET /healthz on port 9999: connection refused"
    )


@pytest.mark.parametrize("one", [
    starting(1, standing.PATIENCE - 1),
    starting(3, 34.0),  # it wasn't asked yet
    replica(1, state="ready", started=NOW - 34),
    replica(1, state="starting"),  # it doesn't run yet
])  # fmt: skip
def test_nothing_is_said_of_one_that_may_still_be_on_its_way(one: Replica) -> None:
    assert standing.starting_note([one], WEB, REFUSED, NOW) == ""


def test_a_deadline_says_what_was_asked() -> None:
    plain = Variant(name="web", port=80)
    grpc = Variant(name="web", port=80, protocol="h2c", ready=Ready(path="/ignored", deadline=2))

    assert standing.late_reason(replica(), WEB, "connection refused") == (
        "web-1 wasn't ready within 300 s: GET /healthz on port 9999: connection refused"
    )
    assert standing.late_reason(replica(), plain, "") == (
        "web-1 wasn't ready within 300 s: port 80: no answer"
    )
    assert standing.late_reason(replica(), grpc, "it doesn't speak HTTP/2") == (
        "web-1 wasn't ready within 2 s: HTTP/2 on port 80: it doesn't speak HTTP/2"
    )

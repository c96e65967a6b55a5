"""What of the gateway's log counts for a variant, and as what."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dockyard.serving.controller.tally import Manner, Tally
from dockyard.serving.decide.model import Traffic
from dockyard.serving.gateway.access_log import Request

SOCKET = "/run/dockyard/a"
GOOD = Request(target="p.a", upstream="10.0.0.2:80", status=200, duration=30.0, at="8")
HELD = replace(GOOD, upstream=SOCKET)
BROKEN = Request(target="p.a", upstream="10.0.0.2:80", try_of="1", flags="UC", at="8")
IDEMPOTENT = Manner(idempotent=True)
CONCURRENT = Manner(always_held=True)


def counted(*lines: Request, manner: Manner = IDEMPOTENT) -> Traffic:
    tally = Tally(7.0, manner)
    tally.take(lines)
    return tally.traffic()


def figures(*lines: Request, manner: Manner = IDEMPOTENT) -> tuple[int, int]:
    """Requests, and how many of them failed."""
    found = counted(*lines, manner=manner)
    return found.requests, found.errors


def test_what_replicas_did_counts_without_what_the_activator_served_or_nobody_did() -> None:
    found = counted(
        replace(GOOD, duration=3.0),
        replace(GOOD, status=500, duration=90.0),
        replace(GOOD, status=0, flags="DC"),
        replace(GOOD, status=0, flags="UC,DC"),
        replace(GOOD, status=503, flags="UC"),
        replace(GOOD, duration=1e6),
        HELD,
        replace(HELD, status=500),
        replace(GOOD, upstream=None, status=429),
        replace(GOOD, at="6"),
    )
    assert (found.requests, found.errors) == (6, 3)
    assert [found.latencies[each] for each in (2.0, 5.0, 50.0, 300_000.0, float("inf"))] == [
        0, 1, 4, 5, 6,
    ]  # fmt: skip
    assert list(found.latencies) == sorted(found.latencies)


@pytest.mark.parametrize(
    ("error", "waited", "fault"),
    [
        ("start-failed", None, True),
        ("replica-gone", None, True),
        ("replica-gone", "start", True),
        ("bad-response", "12", True),
        ("timeout", "12", True),
        ("timeout", "start", False),
        ("queue-full", None, False),
        ("stopped", None, False),
        ("removed", None, False),
        ("bad-request", None, False),
    ],
)
@pytest.mark.parametrize("manner", [IDEMPOTENT, CONCURRENT])
def test_of_the_activators_answers_those_count_that_are_the_variants_fault(
    error: str, waited: str | None, fault: bool, manner: Manner
) -> None:
    line = replace(HELD, status=503, error=error, waited=waited)
    assert figures(line, manner=manner) == ((1, 1) if fault else (0, 0))
    assert counted(line, manner=manner).latencies[float("inf")] == 0


def test_where_the_activator_serves_all_the_queues_time_is_left_out() -> None:
    found = counted(
        replace(HELD, duration=30.0),
        replace(HELD, duration=1030.0, waited="1000"),
        replace(HELD, duration=9000.0, waited="start"),
        replace(HELD, duration=30.0, status=500),
        manner=CONCURRENT,
    )
    assert (found.requests, found.errors) == (3, 1)
    assert found.latencies[35.0] == 3


def test_an_activator_that_goes_is_no_fault_and_a_replica_that_breaks_off_is() -> None:
    gone = replace(HELD, status=503, flags="UC")
    halfway = replace(HELD, status=200, flags="UC")
    assert figures(gone, halfway, manner=CONCURRENT) == (1, 1)


def test_connections_that_break_again_and_again_count_though_no_client_saw_it() -> None:
    lines = [GOOD, BROKEN, HELD] * 25
    assert figures(*lines) == (50, 25)


def test_a_replica_that_is_killed_with_all_that_it_has_is_one_failure() -> None:
    other = replace(GOOD, upstream="10.0.0.3:80")
    lines = [GOOD, other, *[BROKEN, other, HELD] * 12, replace(BROKEN, upstream="10.0.0.3:80")]
    assert figures(*lines) == (2 + 12 + 2, 2)


def test_a_replica_that_takes_connections_and_breaks_each_has_failed_each_time() -> None:
    """It may answer the activator's tries, of which nobody knows which replica's they are."""
    tries = [replace(BROKEN, at=str(8 + n), duration=500.0) for n in range(5)]
    assert figures(*tries) == (5, 5)
    assert figures(*[replace(each, flags="UF") for each in tries]) == (1, 1)
    at_once = [replace(BROKEN, at=str(8 + n / 10), duration=500.0 - 100 * n) for n in range(5)]
    assert figures(*at_once) == (1, 1)


def test_where_nothing_is_tried_again_a_failure_counts_once_and_each_does() -> None:
    seen = replace(GOOD, status=503, flags="UC")
    assert figures(*[BROKEN, seen] * 5, manner=Manner()) == (5, 5)


def test_a_replica_that_takes_no_connection_counts_whatever_may_be_repeated() -> None:
    refused = replace(BROKEN, flags="UF")
    assert figures(refused, refused, HELD, manner=Manner()) == (1, 1)
    assert figures(replace(refused, upstream=SOCKET), manner=Manner()) == (0, 0)
    assert figures(replace(refused, at="6"), manner=Manner()) == (0, 0)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.decide import backoff
from dockyard.serving.decide.backoff import Failures


def after(count: int, *, at: float = 1000.0, ran: float = 0.0) -> Failures:
    failures = Failures()
    for _ in range(count):
        failures = backoff.failed(failures, "exited (1)", at, ran=ran)
    return failures


def test_the_first_failure_is_made_good_at_once_and_waits_double_after_it() -> None:
    waits = [backoff.wait(after(count), 1000.0) for count in range(12)]

    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_many_failures_wait_no_longer() -> None:
    assert backoff.wait(Failures(count=10**6, at=1000.0), 1000.0) == backoff.LONGEST_WAIT


def test_a_wait_passes() -> None:
    failures = after(4)

    assert backoff.wait(failures, 1001.5) == 2.5
    assert backoff.wait(failures, 1004.0) == 0.0


@given(st.integers(0, 50), st.floats(0, 1e10))
def test_no_clock_makes_anybody_wait_longer(count: int, now: float) -> None:
    wait = backoff.wait(after(count, at=1e9), now)

    assert 0.0 <= wait <= backoff.wait(after(count, at=1e9), 1e9)


def test_a_long_run_begins_anew() -> None:
    failures = backoff.failed(after(9), "exited (1)", 2000.0, ran=backoff.STABLE_RUN)

    assert failures.count == 1
    assert backoff.wait(failures, 2000.0) == 0.0


def test_two_quiet_minutes_with_a_ready_replica_are_a_clean_record() -> None:
    failures = after(9, at=1000.0)

    assert backoff.settled(failures, 20.0, 1120.0) == Failures()
    assert backoff.settled(failures, 5.0, 1120.0) == failures


def test_a_replica_that_is_well_does_not_excuse_one_that_fails_all_the_time() -> None:
    """It would be made again and again without a pause."""
    failures, now, waits = Failures(), 1000.0, []
    for _ in range(10):
        failures = backoff.failed(failures, "exited (1)", now)
        waits.append(backoff.wait(failures, now))
        now += max(waits[-1], 0.2)
        failures = backoff.settled(failures, 3600.0, now)

    assert waits[1:] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_is_ready_for_a_moment_and_ends_again_waits() -> None:
    assert after(5, ran=2.0).count == 5


def test_who_waits_is_told_after_three_failures() -> None:
    told = [backoff.condition(after(count), 0, 1000.0) for count in range(5)]

    assert told == ["starting", "starting", "starting", "failed", "failed"]


def test_who_waits_is_told_at_once_of_what_can_not_succeed() -> None:
    failures = backoff.failed(Failures(), "no such image: x", 1000.0, hopeless=True)

    assert backoff.condition(failures, 0, 1000.0) == "failed"
    assert backoff.wait(failures, 1000.0) == 1.0


def test_who_waited_for_a_whole_deadline_is_told_at_once_and_the_next_try_begins() -> None:
    failures = backoff.failed(Failures(), "web-1 wasn't ready within 300 s", 1000.0, late=True)

    assert backoff.condition(failures, 0, 1000.0) == "failed"
    assert backoff.wait(failures, 1000.0) == 0.0


def test_a_crash_after_a_missed_deadline_has_nobody_wait_again() -> None:
    late = backoff.failed(Failures(), "web-1 wasn't ready within 300 s", 1000.0, late=True)
    crashed = backoff.failed(late, "exited (1)", 1001.0)

    assert backoff.condition(crashed, 0, 1001.0) == "failed"


def test_a_crash_after_a_long_run_is_not_told_for_a_deadline_before_it() -> None:
    late = backoff.failed(Failures(), "web-1 wasn't ready within 300 s", 1000.0, late=True)
    crashed = backoff.failed(late, "exited (1)", 2000.0, ran=backoff.STABLE_RUN)

    assert backoff.condition(crashed, 0, 2000.0) == "starting"


def test_one_ready_replica_serves() -> None:
    assert backoff.condition(after(9), 1, 1000.0) == "serving"


def test_an_old_failure_is_tried_again_with_the_request_waiting() -> None:
    assert backoff.condition(after(9), 0, 1000.0 + backoff.FORGOTTEN) == "starting"

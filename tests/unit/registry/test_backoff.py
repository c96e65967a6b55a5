"""What is tried again, and when."""

from __future__ import annotations

import pytest

from dockyard.registry import backoff

NOW = 1_700_000_000.0


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_work_next_time_is_tried_again(status: int) -> None:
    assert backoff.is_retryable(status)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 416, 501, 507])
def test_what_won_t_is_not(status: int) -> None:
    assert not backoff.is_retryable(status)


def test_waits_double_and_end() -> None:
    waits = [backoff.delay(failures, dice=lambda: 1.0) for failures in range(1, 6)]

    assert waits == [0.5, 1.0, 2.0, 4.0, None]


def test_a_part_of_each_wait_is_random() -> None:
    assert backoff.delay(3, dice=lambda: 0.0) == 1.0
    assert backoff.delay(3, dice=lambda: 0.5) == 1.5


def test_the_server_s_wish_is_heard() -> None:
    assert backoff.delay(1, 7.0) == 7.0
    assert backoff.delay(1, 0.0, dice=lambda: 1.0) == 0.5


def test_nobody_waits_for_an_hour() -> None:
    assert backoff.delay(1, 3600.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("9" * 5000, None),
        ("Tue, 99 Nov 2023 22:13:30 GMT", None),
    ],
)
def test_both_notations_are_understood(header: str, seconds: float | None) -> None:
    assert backoff.asked_for(header, NOW) == seconds

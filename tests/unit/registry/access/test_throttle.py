"""Who guesses slows down, and nobody else."""

from __future__ import annotations

from tests.support.access import Clock

from dockyard.registry.access import throttle
from dockyard.registry.access.throttle import Throttle


def guess(made: Throttle, name: str, address: str, times: int) -> None:
    for _ in range(times):
        made.failed(name, address)


def test_a_few_slips_cost_nothing_and_then_each_costs_twice_as_much() -> None:
    clock = Clock()
    made = Throttle(clock)
    guess(made, "anna", "192.0.2.1", 4)
    assert made.wait("anna", "192.0.2.1") == 0
    waits = []
    for _ in range(9):
        made.failed("anna", "192.0.2.1")
        waits.append(made.wait("anna", "192.0.2.1"))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.now += 60
    assert made.wait("anna", "192.0.2.1") == 0


def test_nobody_is_locked_out_by_another_address() -> None:
    made = Throttle(Clock())
    guess(made, "anna", "192.0.2.1", 1000)

    assert made.wait("anna", "192.0.2.1") > 0
    assert made.wait("anna", "192.0.2.2") == 0


def test_an_address_that_tries_many_names_waits_but_not_who_logged_in_there_before() -> None:
    made = Throttle(Clock())
    made.succeeded("anna", "192.0.2.1")
    for number in range(30):
        made.failed(f"user{number}", "192.0.2.1")

    assert made.wait("bob", "192.0.2.1") > 0
    assert made.wait("anna", "192.0.2.1") == 0
    assert made.wait("bob", "192.0.2.2") == 0


def test_a_right_password_clears_the_slips_before_it() -> None:
    made = Throttle(Clock())
    guess(made, "anna", "192.0.2.1", 6)
    made.succeeded("anna", "192.0.2.1")
    assert made.wait("anna", "192.0.2.1") == 0


def test_all_addresses_of_one_site_count_as_one() -> None:
    made = Throttle(Clock())
    guess(made, "anna", "2001:db8::1", 3)
    guess(made, "anna", "2001:db8::2", 3)

    assert made.wait("anna", "2001:db8::3") > 0
    assert made.wait("anna", "2001:db8:0:1::1") == 0


def test_failures_are_forgotten_in_time() -> None:
    clock = Clock()
    made = Throttle(clock)
    guess(made, "anna", "192.0.2.1", 12)
    clock.now += 1000
    made.failed("anna", "192.0.2.1")
    assert made.wait("anna", "192.0.2.1") == 0


def test_memory_is_bounded_whatever_is_tried() -> None:
    made = Throttle(Clock())
    for number in range(20_000):
        made.failed("x" * 10_000 + str(number), f"10.0.{number >> 8 & 255}.{number & 255}")
        made.succeeded(f"u{number}", "192.0.2.9")
    tables = (made._pairs, made._addresses, made._good)
    assert all(len(table) <= throttle._MOST for table in tables)

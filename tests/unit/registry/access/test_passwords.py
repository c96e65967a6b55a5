"""Passwords are kept as scrypt keys with their parameters."""

from __future__ import annotations

import threading
import time

import pytest
from tests.support.access import CHEAP

from dockyard.errors import InvalidInput
from dockyard.registry.access import passwords
from dockyard.registry.access.passwords import Cost, Passwords
from dockyard.registry.access.refusal import Refusal

GOOD = "correct horse"


def test_the_right_one_matches_and_no_other() -> None:
    kept = Passwords(CHEAP).hashed(GOOD)

    assert Passwords().match(GOOD, kept), "its own parameters count"
    assert not Passwords().match(GOOD + " ", kept)
    assert GOOD not in kept


def test_the_same_password_is_kept_in_another_way_each_time() -> None:
    made = Passwords(CHEAP)
    assert made.hashed(GOOD) != made.hashed(GOOD)


def test_nobody_has_a_password() -> None:
    made = Passwords(CHEAP)
    assert not made.match("", None)
    assert not made.match(GOOD, None)


def test_a_user_that_is_not_there_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[Cost] = []
    made = Passwords(CHEAP)
    kept = made.hashed(GOOD)
    work = made._key

    def counted(password: str, salt: bytes, cost: Cost) -> bytes:
        costs.append(cost)
        return work(password, salt, cost)

    monkeypatch.setattr(made, "_key", counted)
    made.match("wrong wrong", kept)
    made.match("wrong wrong", None)
    assert costs == [CHEAP, CHEAP]


@pytest.mark.parametrize("text", ["", "shrt!", "x" * 600, "line\nline end", "nul\0nul nul"])
def test_what_is_no_password_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Passwords(CHEAP).hashed(text)
    assert not text or text not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "kept",
    ["plain", "scrypt$15$8$3$x", "scrypt$40$8$1$c2FsdA==$" + "A" * 43 + "=",
     "scrypt$4$1$1$!$!", "md5$4$1$1$c2FsdA==$c2FsdA==", "scrypt$-1$8$1$c2FsdA==$c2FsdA=="],
)  # fmt: skip
def test_a_damaged_record_is_no_password_and_no_bomb(kept: str) -> None:
    with pytest.raises(InvalidInput):
        Passwords(CHEAP).match(GOOD, kept)


def test_few_are_worked_out_at_a_time_and_who_waits_too_long_is_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_MOST_WAITING", 3)
    monkeypatch.setattr(passwords, "_PATIENCE_SECONDS", 5.0)
    at_work, most, guard = 0, 0, threading.Lock()

    def slow(*_args: object, **_options: object) -> bytes:
        nonlocal at_work, most
        with guard:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.05)
        with guard:
            at_work -= 1
        return bytes(32)

    made = Passwords(CHEAP)
    monkeypatch.setattr("hashlib.scrypt", slow)
    refused: list[int] = []

    def attempt() -> None:
        try:
            made.match(GOOD, None)
        except Refusal as error:
            refused.append(error.status)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 2
    assert refused
    assert set(refused) == {429}

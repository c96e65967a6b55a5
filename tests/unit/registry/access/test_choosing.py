"""Which events of the audit log a filter means."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.registry.access.audit import ACTIONS, Event
from dockyard.registry.access.choosing import select

EVENTS = [
    Event(who="user:anna", action="push", repository="team-a/app", result="allowed", time="1"),
    Event(who="robot:robot$ci", action="pull", repository="team-a/x/y", result="denied", time="2"),
    Event(who="anonymous:", action="pull", repository="public/app", result="allowed", time="3"),
    Event(who="host:root", action="user add", reference="user:anna", result="allowed", time="4"),
    Event(who="user:?", action="login", result="denied", time="5"),
    Event(who="gc", action="delete", digest="sha256:1", result="allowed", time="6"),
    Event(who="retention", action="delete", repository="team-a/app", result="allowed", time="7"),
]


@pytest.mark.parametrize(
    ("filters", "times"),
    [
        ([("who", "user:anna")], "1"),
        ([("who", "user:*")], "15"),
        ([("who", "user:?")], "5"),
        ([("who", "*:*")], "12345"),
        ([("who", "robot:robot$ci")], "2"),
        ([("who", "robot:*")], "2"),
        ([("who", "anonymous:")], "3"),
        ([("who", "host:root")], "4"),
        ([("who", "gc"), ("who", "retention")], "67"),
        ([("repository", "team-a/app")], "17"),
        ([("repository", "team-a/**")], "127"),
        ([("repository", "**/app")], "137"),
        ([("action", "pu*")], "123"),
        ([("action", "pull"), ("result", "allowed")], "3"),
        ([("result", "denied")], "25"),
        ([], "1234567"),
    ],
)
def test_a_filter_finds_what_it_names(filters: list[tuple[str, str]], times: str) -> None:
    assert "".join(one.time for one in select(EVENTS, filters, "")) == times


@pytest.mark.parametrize(
    "pair",
    [("who", "anna"), ("who", "user:"), ("who", "robot:ci"), ("who", "users:*"),
     ("who", "user:[a]"), ("who", ""), ("result", "ok"), ("action", "upload"), ("action", ""),
     ("repository", "a b"), ("repository", "team[a]")],
)  # fmt: skip
def test_a_filter_that_fits_nothing_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        select(EVENTS, [pair], "")
    assert caught.value.hint


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_can_be_asked_for(action: str) -> None:
    assert select([], [("action", action)], "") == []

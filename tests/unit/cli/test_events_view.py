"""Events as Docker prints them."""

from __future__ import annotations

import json
import re

import pytest

from dockyard.cli import events_view as view
from dockyard.cli.moments import nanoseconds
from dockyard.errors import InvalidInput
from dockyard.observability.events import Event

EVENT = Event(
    type="container", action="kill", actor="c0ffee", time=1795558980123456789,
    attributes={"signal": "15", "image": "busybox", "name": "box"},
)  # fmt: skip


def test_a_line_has_time_object_and_sorted_attributes() -> None:
    assert re.fullmatch(
        r"2026-11-2\dT\d\d:\d\d:\d\d\.123456789(Z|[+-]\d\d:\d\d) container kill c0ffee"
        r" \(image=busybox, name=box, signal=15\)\n",
        view.line(EVENT),
    )


def test_json_is_the_message_of_dockers_api() -> None:
    assert json.loads(view.formatted(EVENT, "json")) == {
        "status": "kill", "id": "c0ffee", "from": "busybox", "Type": "container",
        "Action": "kill", "scope": "local", "time": 1795558980, "timeNano": 1795558980123456789,
        "Actor": {"ID": "c0ffee",
                  "Attributes": {"image": "busybox", "name": "box", "signal": "15"}},
    }  # fmt: skip


def test_templates_have_dockers_fields() -> None:
    form = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.From}} {{.Time}}"
    assert view.formatted(EVENT, form) == "container kill c0ffee box busybox 1795558980\n"
    with pytest.raises(InvalidInput):
        view.formatted(EVENT, "{{.Nothing}}")


def test_moments_become_nanoseconds() -> None:
    assert nanoseconds("1795558980.5", 0) == 1795558980_500000000
    assert nanoseconds("10s", 60 * 10**9) == 50 * 10**9
    assert nanoseconds("2026-11-24T22:23:00.25Z", 0) == 1795558980_250000000

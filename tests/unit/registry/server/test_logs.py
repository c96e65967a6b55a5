"""What a server says: a JSON object a line, and whom it lets do what."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from tests.support.access import Registry

from dockyard.registry.access.model import Grant
from dockyard.registry.server import logs
from dockyard.registry.server.announcing import who_may

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def line(message: str, *args: object, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, message, args, more.pop("error", None))
    record.__dict__.update(more)
    text = logs.Lines().format(record)
    assert text.isascii()
    assert text.isprintable()
    found: dict[str, Any] = json.loads(text)
    assert TIME.fullmatch(found.pop("time"))
    assert found.pop("level") == "warning"
    return found


def test_a_line_says_when_and_what() -> None:
    assert line("%s of %d", "one", 2) == {"message": "one of 2"}
    assert line("a\nb\x1b[2J\x7fé") == {"message": "a\nb\x1b[2J\x7fé"}


def test_a_request_has_its_fields_and_no_more_of_a_client_than_is_bearable() -> None:
    found = line("request", **logs.fields({"path": "/v2/" + "x" * 10_000, "status": 200}))

    assert (len(found["path"]), found["status"]) == (512, 200)


def test_what_went_wrong_is_within_the_line() -> None:
    try:
        raise ValueError("of a test")
    except ValueError as error:
        found = line("failed", error=(ValueError, error, error.__traceback__))
    assert "ValueError: of a test" in found["trace"]


@pytest.mark.parametrize(
    ("is_local", "tls", "mirror", "words"),
    [
        (True, False, "", "anyone on this host may pull, push and delete: no users yet"),
        (False, True, "", "anyone who reaches this registry may pull, push and delete"),
        (True, False, "docker.io", "nobody may push: it mirrors docker.io"),
    ],
)
def test_an_open_registry_says_so(
    access: Registry, is_local: bool, tls: bool, mirror: str, words: str
) -> None:
    said = who_may(access.access.snapshot, is_open=True, is_local=is_local, mirror=mirror, tls=tls)

    assert words in said
    assert "dockyard registry user add" in said
    assert said.endswith("with TLS" if tls else "without TLS")
    assert "\n" not in said


def test_a_closed_registry_says_what_is_public(access: Registry) -> None:
    def said() -> str:
        return who_may(access.access.snapshot, is_open=False, is_local=True, mirror="", tls=True)

    access.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    assert "who isn't logged in may nothing" in said()
    assert "0 users, 1 robot, 0 rules" in said()
    access.manager.set_rule("anonymous", "public/**", ("pull",))
    assert "anyone may pull public/**" in said()

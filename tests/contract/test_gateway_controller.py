"""The controller's side of the gateway, with the real one."""

from __future__ import annotations

import errno
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.backends import Server
from tests.support.gateway import PROJECT, Gateway, MakeServer, certificate, served, service
from tests.support.registries import free_port
from tests.support.waiting import until

from dockyard.errors import ComponentFailed
from dockyard.serving.controller import accepted, fronting
from dockyard.serving.controller.fronting import Fronting
from dockyard.serving.gateway import envoy, files
from dockyard.serving.gateway.model import Files, Served, Settings
from dockyard.serving.model import Tls

NAMELESS: dict[str, Any] = {"header": {"": "x"}}
"""Envoy doesn't take it, with all of the route table that it is in."""


class _Serving:
    """Of a root only what the gateway needs."""

    def __init__(self, gateway: Settings) -> None:
        self.gateway = gateway
        self.access_log = gateway.access_log


class _Reporter:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def trouble(self, what: str, text: str) -> None:
        self.told.append(f"{what}: {text}")


def test_a_port_that_is_taken_is_a_services_problem_until_it_is_free(
    gateway: Gateway, server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronting, "_RETRY_SECONDS", 0.05)
    one = server("one")
    reporter = _Reporter()
    front = Fronting(_Serving(gateway.settings), reporter)  # type: ignore[arg-type]  # parts
    good = served(gateway, service(gateway, name="good"), {"good": [one.backend]})
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        what = service(gateway, route={"listen": address})
        wanted = [good, served(gateway, what, {"embed": [one.backend]})]
        assert front.write(wanted)
        assert front.problems() == {
            (PROJECT, "embed"): f"it can't listen: cannot bind '{address}': Address already in use"
        }
        assert gateway.ask().by == "one"
    until(lambda: front.write(wanted))
    assert front.problems() == {}
    assert gateway.ask(at=address).by == "one"
    assert not front.write(wanted), "nothing is new"
    assert reporter.told == []


def _front(gateway: Gateway) -> tuple[Fronting, _Reporter]:
    reporter = _Reporter()
    return Fronting(_Serving(gateway.settings), reporter), reporter  # type: ignore[arg-type]  # parts


def test_a_service_that_envoy_refuses_keeps_no_other_back(
    gateway: Gateway, server: MakeServer
) -> None:
    one, two = server("one"), server("two")
    front, reporter = _front(gateway)
    names = [f"s{index}" for index in range(5)]
    good = [
        served(gateway, service(gateway, name=name, path=f"/{name}"), {name: [one.backend]})
        for name in names
    ]
    bad = service(gateway, name="bad", path="/bad", route=NAMELESS)
    wanted = [*good[:2], served(gateway, bad, {"bad": [one.backend]}), *good[2:]]
    assert front.write(wanted)
    why = front.problems()[PROJECT, "bad"]
    assert front.problems() == {(PROJECT, "bad"): why}
    assert "the gateway refuses it: " in why
    assert "Name: value length must be at least 1 characters" in why
    assert front.is_current
    assert {gateway.ask(f"/{name}").by for name in names} == {"one"}
    assert front.known is not None
    assert bad in front.known, "a command that waits for it learns of the refusal"
    assert len(reporter.told) == 1
    assert not front.write(wanted)

    moved = served(gateway, good[0].service, {"s0": [two.backend]})
    assert front.write([moved, *wanted[1:]]), "others go on changing"
    assert gateway.ask("/s0").by == "two"
    assert front.problems() == {(PROJECT, "bad"): why}

    mended = served(gateway, service(gateway, name="bad", path="/bad"), {"bad": [one.backend]})
    assert front.write([*good, mended])
    assert front.problems() == {}
    assert gateway.ask("/bad").by == "one"


def test_what_was_loaded_goes_on_while_its_new_declaration_is_refused(
    gateway: Gateway, server: MakeServer
) -> None:
    one, two = server("one"), server("two")
    front, _ = _front(gateway)
    other = served(gateway, service(gateway, name="other", path="/o"), {"other": [one.backend]})
    front.write([served(gateway, service(gateway), {"embed": [one.backend]}), other])
    assert gateway.ask().by == "one"
    broken = service(gateway, route=NAMELESS)
    front.write([served(gateway, broken, {"embed": [two.backend]}), other])
    assert set(front.problems()) == {(PROJECT, "embed")}
    assert gateway.ask().by == "two", "as before, with the replicas of now"
    assert gateway.ask("/o").by == "one"
    front.write([other])
    assert front.problems() == {}


def test_a_certificate_that_can_not_be_used_is_one_services_fault_alone(
    gateway: Gateway, server: MakeServer, tmp_path: Path
) -> None:
    """Both are at one listener, which Envoy takes whole or not at all."""
    one, two = server("one"), server("two")
    front, _ = _front(gateway)
    address = f"127.0.0.1:{free_port()}"
    broken = certificate(tmp_path, "b.test")
    Path(broken.key).write_text("no key")

    def at(name: str, tls: Tls, server: Server) -> Served:
        route = {"listen": address, "host": name, "tls": tls}
        what = service(gateway, name=name[0], route=route)
        return served(gateway, what, {name[0]: [server.backend]})

    good = at("a.test", certificate(tmp_path, "a.test"), one)
    assert front.write([good, at("b.test", broken, two)])
    assert list(front.problems()) == [(PROJECT, "b")]
    assert "the gateway refuses it: " in front.problems()[PROJECT, "b"]
    asked = {"host": "a.test"}
    assert gateway.ask(at=address, scheme="https", headers=asked).by == "one"

    mended = certificate(tmp_path, "b.test")
    assert front.write([good, at("b.test", mended, two)])
    assert front.problems() == {}
    assert gateway.ask(at=address, scheme="https", headers={"host": "b.test"}).by == "two"


def test_a_refusal_that_holds_no_more_is_forgotten(
    gateway: Gateway, server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine had no memory, say, when the gateway was asked."""
    for name in ("_RETRY_SECONDS", "_RECONSIDER_SECONDS"):
        monkeypatch.setattr(fronting, name, 0.05)
    one = server("one")
    front, _ = _front(gateway)
    good = served(gateway, service(gateway, path="/good"), {"embed": [one.backend]})
    other = served(gateway, service(gateway, name="bad", path="/bad"), {"bad": [one.backend]})
    publish = files.publish

    def fail(settings: Settings, documents: Files, settle: files.Settle) -> bool:
        if b"bad" in documents.clusters:
            raise ComponentFailed("no memory")
        return publish(settings, documents, settle)

    front.write([good])
    with monkeypatch.context() as patch:
        patch.setattr(files, "publish", fail)
        patch.setattr(envoy, "validate", lambda *_: "no memory")
        front.write([good, other])
        assert front.problems() == {(PROJECT, "bad"): "the gateway refuses it: no memory"}
        assert gateway.ask("/good").by == "one"
    with monkeypatch.context() as patch:
        patch.setattr(front, "_settling", lambda: None)  # Envoy doesn't answer at that moment
        until(lambda: not front.write([good, other]) and not front.is_current)
    until(lambda: front.write([good, other]))
    assert front.problems() == {}
    assert gateway.ask("/bad").by == "one"


def test_a_controller_that_begins_anew_finds_whom_envoy_refuses(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    good = served(gateway, service(gateway), {"embed": [one.backend]})
    broken = service(gateway, name="bad", path="/bad", route=NAMELESS)
    bad = served(gateway, broken, {"bad": [one.backend]})
    for _ in range(2):
        front, _ = _front(gateway)
        assert front.write([bad, good])
        assert set(front.problems()) == {(PROJECT, "bad")}
        assert gateway.ask().by == "one"


def test_what_was_loaded_goes_on_under_another_controller(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    good = served(gateway, service(gateway), {"embed": [one.backend]})
    broken = served(gateway, service(gateway, route=NAMELESS), {"embed": [one.backend]})
    front, _ = _front(gateway)
    front.write([good])
    for _ in range(2):
        front.write([broken])
        assert set(front.problems()) == {(PROJECT, "embed")}
        assert gateway.ask().by == "one"
        front, _ = _front(gateway)


def test_one_that_is_refused_as_it_was_before_keeps_no_other_back(
    gateway: Gateway, server: MakeServer
) -> None:
    """Another Envoy may not take what the one before did."""
    one = server("one")
    good = served(gateway, service(gateway), {"embed": [one.backend]})
    broken = service(gateway, name="bad", path="/bad", route=NAMELESS)
    wanted = [served(gateway, broken, {"bad": [one.backend]}), good]
    accepted.write(gateway.settings, wanted)
    front, _ = _front(gateway)
    front.write(wanted)
    assert set(front.problems()) == {(PROJECT, "bad")}
    assert front.is_current
    assert gateway.ask().by == "one"


def test_what_could_not_be_written_is_written_later(
    gateway: Gateway, server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronting, "_RETRY_SECONDS", 0.05)
    accepted.write(gateway.settings, ())
    front, _ = _front(gateway)
    wanted = [served(gateway, service(gateway), {"embed": [server("one").backend]})]

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "publish", full)
        front.write(wanted)
        current = front.is_current
    assert not current, "replicas that are drained have to wait"
    assert front.problems() == {
        (PROJECT, "embed"): "its documents can't be written: No space left on device"
    }
    until(lambda: front.write(wanted))
    assert front.is_current
    assert gateway.ask().by == "one"

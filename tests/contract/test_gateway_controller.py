"""The controller's side of the gateway, with the real one."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from tests.support.gateway import PROJECT, Gateway, MakeServer, served, service
from tests.support.waiting import until

from dockyard.serving.controller import fronting
from dockyard.serving.controller.fronting import Fronting
from dockyard.serving.gateway.model import Settings


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

"""Signals of a command in the foreground."""

from __future__ import annotations

import signal

import pytest

from dockyard.cli import signals
from dockyard.containers import finish
from dockyard.containers.model import Container, Options
from dockyard.errors import DockyardError
from dockyard.system.host import ProcessIdentity


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, int]]:
    found: list[tuple[object, int]] = []
    monkeypatch.setattr(
        finish, "send_signal", lambda process, number: found.append((process, number))
    )
    return found


@pytest.fixture
def proxy() -> signals.SignalProxy:
    container = Container(
        id="c" * 64, name="web", image_id="i", image_name="i", state="running", created=0,
        options=Options(), process=ProcessIdentity(7, 1, "boot"),
    )  # fmt: skip
    return signals.SignalProxy(container)


def test_signals_go_to_the_container(
    proxy: signals.SignalProxy, sent: list[tuple[object, int]]
) -> None:
    proxy.forward(signal.SIGTERM)
    proxy.forward(signal.SIGHUP)
    identity = ProcessIdentity(7, 1, "boot")
    assert sent == [(identity, signal.SIGTERM), (identity, signal.SIGHUP)]


def test_the_third_ctrl_c_leaves_a_deaf_program_alone(
    proxy: signals.SignalProxy, sent: list[tuple[object, int]]
) -> None:
    proxy.forward(signal.SIGINT)
    proxy.forward(signal.SIGINT)
    with pytest.raises(DockyardError, match="web ignores them") as caught:
        proxy.forward(signal.SIGINT)
    assert len(sent) == 2
    assert "dockyard stop web" in (caught.value.hint or "")


def test_the_end_is_noted_before_a_signal_that_is_meant_for_it(
    sent: list[tuple[object, int]],
) -> None:
    """Others, such as SIGHUP, are the program's own business; its stop signal isn't."""
    noted: list[int] = []
    container = Container(
        id="c" * 64, name="web", image_id="i", image_name="i", state="running", created=0,
        options=Options(), stop_signal="SIGUSR1",
    )  # fmt: skip
    proxy = signals.SignalProxy(container, lambda: noted.append(len(sent)))
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGTERM, signal.SIGUSR1):
        proxy.forward(number)

    assert noted == [2, 3]

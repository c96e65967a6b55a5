"""Raw mode and its end, on a real pseudo-terminal."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Iterator

import pytest
from tests.support.terminal import Terminal

from dockyard.system import terminal


@pytest.fixture
def tty() -> Iterator[Terminal]:
    with Terminal(30, 90) as made:
        yield made


def test_the_window_has_a_size(tty: Terminal) -> None:
    assert terminal.size(tty.slave) == (30, 90)
    tty.resize(0, 0)
    assert terminal.size(tty.slave) is None
    with open(os.devnull) as file:
        assert terminal.size(file.fileno()) is None


def test_raw_mode_lets_every_key_through_and_ends(tty: Terminal) -> None:
    with terminal.raw(tty.slave):
        local = termios.tcgetattr(tty.slave)[3]
        assert not local & (termios.ECHO | termios.ICANON | termios.ISIG)
        tty.send(b"\x03\x1a\r")
        assert os.read(tty.slave, 10) == b"\x03\x1a\r"
    assert tty.restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_end_raw_mode(tty: Terminal, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as caught, terminal.raw(tty.slave):
            signal.raise_signal(number)
        assert caught.value.code == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert tty.restored


def test_exceptions_end_raw_mode(tty: Terminal) -> None:
    with pytest.raises(ZeroDivisionError), terminal.raw(tty.slave):
        raise ZeroDivisionError
    assert tty.restored


def test_a_new_size_is_told(tty: Terminal) -> None:
    before = signal.getsignal(signal.SIGWINCH)
    with terminal.resizes() as told:
        signal.raise_signal(signal.SIGWINCH)
        signal.raise_signal(signal.SIGWINCH)
        assert os.read(told, 10) == b"\0\0"
    assert signal.getsignal(signal.SIGWINCH) == before

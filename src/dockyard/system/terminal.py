"""The user's terminal: its size, its raw mode, and how both are kept right (termios(3))."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_WINSIZE = "HHHH"

Size = tuple[int, int]
"""Rows and columns."""


def size(descriptor: int) -> Size | None:
    """The window's size; ``None`` where the descriptor is no terminal, or one that knows none."""
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(struct.calcsize(_WINSIZE)))
    except OSError:
        return None
    rows, columns, _, _ = struct.unpack(_WINSIZE, answer)
    return (rows, columns) if rows and columns else None


@contextlib.contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """Every key goes through as it is typed, Ctrl-C too, until the end of the block.

    The modes come back whatever ends the block. Signals that would end the process without
    coming past here raise :class:`SystemExit` instead, if nobody else handles them.
    """
    before = termios.tcgetattr(descriptor)
    with _orderly_end():
        _set(descriptor, _raw(before))
        try:
            yield
        finally:
            _set(descriptor, before)


@contextlib.contextmanager
def resizes() -> Iterator[int]:
    """A descriptor that becomes readable when the window's size changed; read it empty.

    Outside the main thread, where no signal arrives, it never does.
    """
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def changed(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):  # it is readable already
            os.write(write, b"\0")

    before = _handle(signal.SIGWINCH, changed)
    try:
        yield read
    finally:
        _handle(signal.SIGWINCH, before)
        os.close(read)
        os.close(write)


_Modes = list[int | list[bytes | int]]


def _raw(modes: _Modes) -> _Modes:
    """What cfmakeraw(3) makes of them."""
    in_, out, control, local, input_speed, output_speed, characters = modes
    assert isinstance(in_, int) and isinstance(out, int) and isinstance(characters, list)  # noqa: PT018, S101  # as tcgetattr gives them
    assert isinstance(control, int) and isinstance(local, int)  # noqa: PT018, S101
    changed = list(characters)
    changed[termios.VMIN], changed[termios.VTIME] = 1, 0
    return [
        in_ & ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR
                | termios.IGNCR | termios.ICRNL | termios.IXON),
        out & ~termios.OPOST,
        control & ~(termios.CSIZE | termios.PARENB) | termios.CS8,
        local & ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN),
        input_speed, output_speed, changed,
    ]  # fmt: skip


def _set(descriptor: int, modes: _Modes) -> None:
    """Sets the modes at once: typed input stays, and output that is held up doesn't hold us up.

    From the background it would stop the process (SIGTTOU), and so keep the modes from coming
    back; a terminal that is gone needs none.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, modes)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextlib.contextmanager
def _orderly_end() -> Iterator[None]:
    taken = [number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL]
    before = [(number, _handle(number, _end)) for number in taken]
    try:
        yield
    finally:
        for number, handler in before:
            _handle(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


_Handler = object


def _handle(number: signal.Signals, handler: _Handler) -> _Handler:
    """Sets a handler, if this thread may; the one before."""
    try:
        return signal.signal(number, handler)  # type: ignore[arg-type]  # as signal gave or takes it
    except ValueError:  # not the main thread
        return None

"""A program on a real pseudo-terminal, and somebody who types and reads."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Terminal:
    """A pseudo-terminal whose line discipline outlives the program, so that it can be looked at."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.process: subprocess.Popen[bytes] | None = None
        self._seen = b""

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Starts a program of which this is the controlling terminal."""
        self._seen = b""
        self.process = subprocess.Popen(
            argv, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=dict(env),
            start_new_session=True, preexec_fn=_take_terminal,  # noqa: PLW1509  # one thread
        )  # fmt: skip

    def resize(self, rows: int, columns: int) -> None:
        """As a window that is dragged: the foreground process group gets SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str | bytes) -> None:
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def expect(self, text: str, seconds: float = PATIENCE) -> str:
        """Reads up to and including ``text``; all that came before it."""
        wanted = text.encode()
        deadline = time.monotonic() + seconds
        while wanted not in self._seen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {text!r} in {self._seen!r}")
        before, _, self._seen = self._seen.partition(wanted)
        return before.decode(errors="replace")

    def answer(self, command: str) -> str:
        """Types a command into a shell; its echo, and the lines that it printed."""
        self.send(f"{command}; echo en''d\n")
        return self.expect("\r\nend\r\n").replace("\r\n", "\n")

    def wait(self, seconds: float = PATIENCE) -> int:
        """The program's exit code (negative: a signal), reading what it prints meanwhile."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not end; it printed {self._seen!r}")
            self._read(0.02)
        while self._read(0.02):
            pass
        return self.process.returncode

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def rest(self) -> str:
        """What has been printed and not been asked for."""
        return self._seen.decode(errors="replace")

    @property
    def restored(self) -> bool:
        """The terminal's modes are what they were before the program."""
        return termios.tcgetattr(self.slave) == self.modes

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except OSError as error:
            if error.errno == errno.EIO:
                return False
            raise
        self._seen += data
        return bool(data)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

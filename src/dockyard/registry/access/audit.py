"""What was done and refused: one JSON object a line in ``ROOT/audit.log``, rotated by its size.

Several processes write: the server, and commands that change who may what. Each line is one write
under the file's lock. It holds no credential; what a client sent is cut, and is ASCII in the file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from dockyard import decoding

_MODE: Final = 0o600
_MOST_BYTES: Final = 16 << 20
_KEPT: Final = 8
"""Files before the present one."""
_TRIES: Final = 1000
"""Each lost one means that others have just filled a whole file."""
_LONGEST: Final = 512
"""Characters of one field."""
COLLECTION: Final = "gc"
RETENTION: Final = "retention"
"""Who deletes what nothing needs, and the tags that a rule of retention doesn't keep."""
ACTIONS: Final = (
    "delete", "login", "mount", "policy rm", "policy set", "pull", "push", "token create",
    "token revoke", "token rotate-key", "user add", "user passwd", "user rm", "user update",
)  # fmt: skip
RESULTS: Final = ("allowed", "denied", "failed")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that somebody did, or tried to."""

    time: str = ""
    """RFC 3339, given when it is written."""
    who: str
    """``user:anna``, ``robot:robot$ci``, ``anonymous:``, ``host:root`` for a command, or what the
    registry does by itself: :data:`COLLECTION`, :data:`RETENTION`."""
    action: str
    """One of :data:`ACTIONS`: what a client did, or a command's words."""
    repository: str = ""
    reference: str = ""
    digest: str = ""
    result: str
    """One of :data:`RESULTS`."""
    status: int = 0
    """That of HTTP, where it was a request."""
    address: str = ""
    detail: str = ""


class AuditLog:
    """Appends to the file. Safe between threads and processes."""

    def __init__(
        self, directory: str, *, warn: Callable[[str], None] = lambda _: None,
        most_bytes: int = _MOST_BYTES, kept: int = _KEPT, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.path = f"{directory}/audit.log"
        self._warn = warn
        self._most = most_bytes
        self._kept = kept
        self._clock = clock
        self._guard = threading.Lock()
        self._file: int | None = None
        self._failing = False

    def write(self, event: Event) -> None:
        """Writes it down. Where that fails it is said once; nobody's pull ends for it."""
        line = _line(msgspec.structs.replace(event, time=moment(self._clock())))
        with self._guard:
            try:
                self._append(line)
            except OSError as error:
                if not self._failing:
                    self._warn(f"cannot write {self.path}: {error.strerror}; events are lost")
                self._failing = True
                self._drop()
            else:
                self._failing = False

    def close(self) -> None:
        """Gives the file back; the next event opens it again."""
        with self._guard:
            self._drop()

    def read(self) -> Iterator[Event]:
        """All that is kept, the oldest first; a line that a crash left incomplete is left out."""
        names = [f"{self.path}.{number}" for number in range(self._kept, 0, -1)]
        for name in (*names, self.path):
            with contextlib.suppress(FileNotFoundError), open(name, "rb") as stream:
                for line in stream:
                    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                        yield decoding.from_json(line, Event)

    def _append(self, line: bytes) -> None:
        for _ in range(_TRIES):
            if self._file is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                self._file = os.open(self.path, flags, _MODE)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                size = os.fstat(self._file).st_size
                current = self._is_current()
                if current and (size == 0 or size + len(line) <= self._most):
                    if os.write(self._file, line) != len(line):  # the disk is full
                        os.ftruncate(self._file, size)
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    return
                if current:
                    self._rotate()
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._drop()
        raise OSError(errno.EAGAIN, "another process replaces it all the time")

    def _is_current(self) -> bool:
        """False where another process has rotated it."""
        if self._file is None:
            return False
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(self._file))

    def _rotate(self) -> None:
        """Moves each file on by one, under the lock of the present one."""
        for number in range(self._kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        os.replace(self.path, f"{self.path}.1")

    def _drop(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _line(event: Event) -> bytes:
    """ASCII: nothing in it moves a terminal or ends a line."""
    fields = {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in msgspec.to_builtins(event).items()
    }
    return json.dumps(fields, ensure_ascii=True).replace("\x7f", "\\u007f").encode() + b"\n"


def moment(seconds: float) -> str:
    """``2026-01-31T12:00:00.000Z`` for seconds since 1970."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"

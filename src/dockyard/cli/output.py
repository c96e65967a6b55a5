"""The standard streams: all three are open, and what can't be written to them is said as such."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from dockyard.errors import DockyardError

_NAMES = ("/dev/stdin", "/dev/stdout", "/dev/stderr")


class OutputFailed(DockyardError):
    """What a command had to say could not be written; exit code 1 for ``run`` too, as Docker's."""

    reference = "output-failed"

    def __init__(self, number: int, error: OSError, hint: str | None = None) -> None:
        """``number`` is the descriptor, 1 or 2."""
        super().__init__(
            f"write {_NAMES[number]}: {error.strerror}",
            hint=hint or "look at where the output goes: a file, a pipe or a terminal",
        )


def open_missing() -> None:
    """Opens ``/dev/null`` for each standard stream that the caller closed.

    Else the next file that is opened would get its number, and the output of a program.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest free number, hence this one
            os.set_inheritable(null, True)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:  # as Python leaves one that is closed
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # it stays open


def say(text: str, *, end: str = "\n") -> None:
    """Writes a line to standard output, at once.

    Raises:
        BrokenPipeError: who read it has gone.
        OutputFailed: it can't be written, such as to a full disk.
    """
    with _writing(1):
        sys.stdout.write(text + end)
        sys.stdout.flush()


def write_all(number: int, data: bytes) -> None:
    """Writes all of it to a standard stream (1 or 2); see :func:`say` for what is raised."""
    view = memoryview(data)
    with _writing(number):
        while view:
            view = view[os.write(number, view) :]


@contextlib.contextmanager
def binary() -> Iterator[Callable[[bytes | memoryview], object]]:
    """What writes an archive to standard output; see :func:`say` for what is raised."""
    sys.stdout.flush()
    stream = open(1, "wb", closefd=False)  # noqa: SIM115  # its end may fail, too

    def write(data: bytes | memoryview) -> None:
        with _writing(1):
            stream.write(data)

    try:
        yield write
        with _writing(1):
            stream.flush()
    finally:
        with contextlib.suppress(OSError):
            stream.close()


@contextlib.contextmanager
def _writing(number: int) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(number, error) from error

"""The program ``dockyard``: finds the command, and turns what goes wrong into words and a code."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from dockyard.cli import dispatch, render
from dockyard.cli.command import using
from dockyard.cli.line import UsageProblem
from dockyard.cli.output import OutputFailed, open_missing
from dockyard.errors import DiskFull, DockyardError, InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine

_COLLECT_EVERY = 100_000
"""New objects between two looks for unreachable ones: a start needs nearly all that it makes."""
_INTERRUPTED = 128 + signal.SIGINT
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def main() -> NoReturn:
    """Entry point of ``dockyard`` and ``dy``."""
    open_missing()
    gc.set_threshold(_COLLECT_EVERY)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has one of them ignored
            signal.signal(number, _terminate)
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it has gone
            stream.flush()
    os._exit(code)  # taking the interpreter apart takes 10 ms and frees what goes with it anyway


def run(args: Sequence[str], engine: Callable[[], Engine] | None = None) -> int:
    """Runs one command line; its exit code. Nothing is raised.

    Args:
        engine: opens the engine, where it isn't the environment's.
    """
    try:
        with using(engine):
            return dispatch.call(args)
    except DockyardError as error:
        return _asked_to_end(error) or _fail(error, args)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as request:  # a signal that asks to end: what was begun is undone by now
        return request.code if isinstance(request.code, int) else 1
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001  # the last door: a user gets words, not a traceback
        return _asked_to_end(error) or _fail(_unexpected(error), args)


def _terminate(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _asked_to_end(error: BaseException) -> int | None:
    """The code of a signal, where it was in undoing what it broke off that an error came up."""
    while error.__context__ is not None and not error.__suppress_context__:
        error = error.__context__
        if isinstance(error, KeyboardInterrupt):
            return _INTERRUPTED
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else 1
    return None


def _fail(error: DockyardError, args: Sequence[str]) -> int:
    render.print_error(error)
    if error.exit_code == 1 and not isinstance(error, UsageProblem | OutputFailed):
        return _failure_code(args)
    return error.exit_code


def _failure_code(args: Sequence[str]) -> int:
    """Docker's code for an engine's failure: 125 for ``run``, whose own 1 is the program's."""
    words = [word for word in args if not word.startswith("-")]
    name = (words[1:] if words[:1] == ["container"] else words)[:1]
    return 125 if name == ["run"] else 1


def _unexpected(error: Exception) -> DockyardError:
    if isinstance(error, OSError) and error.errno in _FULL:
        where = error.filename or "the state directory"
        return DiskFull(where)
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput(
            f"{error.object!r} is not UTF-8, and can't be written down as it is",
            hint="names of files may have any bytes; all else that is given has to be UTF-8",
        )
    trace = None
    if os.environ.get("DOCKYARD_DEBUG"):
        import traceback

        trace = "".join(traceback.format_exception(error))
    return DockyardError(
        f"unexpected {type(error).__name__}: {error}",
        context=trace,
        hint="this is a fault of Dockyard: please report it, with what"
        " 'dockyard --debug' and your command print and with 'dockyard doctor'",
        reference="unexpected",
    )


if __name__ == "__main__":
    main()

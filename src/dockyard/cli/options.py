"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from dockyard.cli.line import Option, option, whole_number
from dockyard.cli.output import binary, say
from dockyard.cli.render import print_error, write
from dockyard.errors import DockyardError, InvalidInput

F = TypeVar("F", bound=Callable[..., object])

_FORMAT_HELP = (
    "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a TEMPLATE"
    " in Go's notation such as '{{.ID}}'"
)
format_option = option("--format", "form", metavar="string", help=_FORMAT_HELP)
object_format = option(
    "-f", "--format", "form", metavar="string", help="Format output: 'json', or a Go template"
)
no_trunc = option("--no-trunc", is_flag=True, help="Don't truncate output")
filters = option(
    "-f", "--filter", "filters", multiple=True, metavar="filter",
    help="Filter output based on conditions provided",
)  # fmt: skip
env = option("-e", "--env", multiple=True, metavar="list", help="Set environment variables")
env_file = option(
    "--env-file", multiple=True, metavar="list", help="Read in a file of environment variables"
)


stop_signal = option(
    "-s", "--signal", "signal", metavar="string", help="Signal to send to the container"
)
stop_timeout = option(
    "-t", "--timeout", "--time", "timeout", read=whole_number, metavar="int",
    help="Seconds to wait before killing the container (-1 waits for ever)",
)  # fmt: skip
prune_filters = option(
    "--filter", "filters", multiple=True, metavar="filter",
    help='Provide filter values (e.g. "until=<timestamp>")',
)  # fmt: skip
prune_force = option("-f", "--force", is_flag=True, help="Do not prompt for confirmation")


def all_of(chosen: Sequence[Option]) -> Callable[[F], F]:
    """One decorator for several options."""

    def decorate(function: F) -> F:
        for one in reversed(chosen):
            function = one(function)
        return function

    return decorate


def environment(files: Collection[str], entries: Collection[str]) -> tuple[str, ...]:
    """The variables of ``--env-file`` and, after them, of ``--env``."""
    if not files and not entries:
        return ()
    from dockyard import arguments

    found: list[str] = []
    for path in files:
        found += arguments.parse_env_file(read_text(path), path, os.environ)
    return (*found, *arguments.parse_environment(entries, os.environ))


def read_text(path: str) -> str:
    """The text of a file that the user named.

    Raises:
        InvalidInput: it can't be read, or isn't UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        raise InvalidInput(
            f"open {path}: {error.strerror}",
            hint="name a file that is there and can be read",
            exit_code=125,
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path} is not UTF-8: {error.reason}", hint="save it as UTF-8", exit_code=125
        ) from error


def for_each(names: Iterable[str], act: Callable[[str], str | None]) -> int:
    """Does something for every name, prints what comes back, and goes on after a failure.

    Returns:
        1 where any failed, else 0.
    """
    code = 0
    for name in names:
        try:
            answer = act(name)
        except DockyardError as error:
            print_error(error)
            code = 1
        else:
            if answer is not None:
                say(answer)
    return code


def at_once(names: Iterable[str], act: Callable[[str], object]) -> int:
    """As :func:`for_each` with all at the same time; prints the names in their order."""
    import threading

    failures: dict[str, DockyardError] = {}

    def attempt(name: str) -> None:
        try:
            act(name)
        except DockyardError as error:
            failures[name] = error

    wanted = list(names)
    threads = [threading.Thread(target=attempt, args=(name,)) for name in wanted[1:]]
    for thread in threads:
        thread.start()
    attempt(wanted[0])
    for thread in threads:
        thread.join()

    def answer(name: str) -> str:
        if name in failures:
            raise failures[name]
        return name

    return for_each(wanted, answer)


@contextlib.contextmanager
def failing(code: int) -> Iterator[None]:
    """Gives failures another exit code: some belong to ``run``, not to what it does in turn."""
    try:
        yield
    except DockyardError as error:
        error.exit_code = code
        raise


@contextlib.contextmanager
def archive_output(path: str | None) -> Iterator[Callable[[bytes | memoryview], object]]:
    """Where an archive goes: a file, or standard output, if that is no terminal.

    Raises:
        InvalidInput: it is a terminal, or the file can't be written.
    """
    if path is not None:
        from dockyard.images.archive import output_file

        try:
            with output_file(path) as write:
                yield write
        except FileNotFoundError as error:
            raise InvalidInput(
                f"cannot write {path}: {error.strerror}",
                hint="make the directory first, or name another with -o",
            ) from error
        return
    if sys.stdout.isatty():
        raise InvalidInput(
            "cowardly refusing to save to a terminal", hint="use the -o flag or redirect"
        )
    with binary() as write:
        yield write


def confirmed(warning: str, *, force: bool) -> bool:
    """True where the user agrees to what can't be undone, or said so before.

    Who says no got what he wanted: the command ends with 0, as Docker's does.
    """
    if force:
        return True
    write(f"WARNING! {warning}\nAre you sure you want to continue? [y/N] ")
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    return answer.strip().lower() in {"y", "yes"}


def tell_deleted(what: str, names: Sequence[str]) -> None:
    """Prints what a prune removed, as Docker does: nothing where there was nothing."""
    if names:
        say(f"Deleted {what}:\n" + "\n".join(names) + "\n")


def tell_freed(size: int) -> None:
    """Prints how many bytes a prune freed."""
    from dockyard.cli.units import decimal_size

    say(f"Total reclaimed space: {decimal_size(size)}")

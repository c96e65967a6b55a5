"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import click

from dockyard.cli.render import print_error
from dockyard.errors import DockyardError, InvalidInput

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

Decorator = Callable[[F], F]

_FORMAT_HELP = (
    "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a TEMPLATE"
    " in Go's notation such as '{{.ID}}'"
)
format_option = click.option("--format", "form", metavar="string", help=_FORMAT_HELP)
object_format = click.option(
    "-f", "--format", "form", metavar="string", help="Format output: 'json', or a Go template"
)
no_trunc = click.option("--no-trunc", is_flag=True, help="Don't truncate output")
filters = click.option(
    "-f", "--filter", "filters", multiple=True, metavar="filter",
    help="Filter output based on conditions provided",
)  # fmt: skip
env = click.option("-e", "--env", multiple=True, metavar="list", help="Set environment variables")
env_file = click.option(
    "--env-file", multiple=True, metavar="list", help="Read in a file of environment variables"
)


stop_signal = click.option(
    "-s", "--signal", "signal", metavar="string", help="Signal to send to the container"
)
stop_timeout = click.option(
    "-t", "--timeout", "--time", "timeout", type=float, metavar="int",
    help="Seconds to wait before killing the container (-1 waits for ever)",
)  # fmt: skip
prune_filters = click.option(
    "--filter", "filters", multiple=True, metavar="filter",
    help='Provide filter values (e.g. "until=<timestamp>")',
)  # fmt: skip
prune_force = click.option("-f", "--force", is_flag=True, help="Do not prompt for confirmation")


def without(decorator: Callable[[F], F], names: Iterable[str]) -> Callable[[F], F]:
    """A decorator that gives a function the options of another one, but for some names."""
    unwanted = frozenset(names)

    def decorate(function: F) -> F:
        decorated = decorator(function)
        declared: list[click.Parameter] = decorated.__click_params__  # type: ignore[attr-defined]  # click's place for them
        declared[:] = [one for one in declared if unwanted.isdisjoint(one.opts)]
        return decorated

    return decorate


def all_of(options: Iterable[Callable[[Any], Any]]) -> Callable[[F], F]:
    """One decorator for several."""
    chosen = list(options)

    def decorate(function: F) -> F:
        for option in reversed(chosen):
            function = option(function)
        return function

    return decorate


def reads(parser: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback that gives the parsed value; errors name the option."""

    def read(parameter: click.Parameter, text: str) -> T:
        try:
            return parser(text)
        except InvalidInput as error:
            flag = ", ".join(parameter.opts)
            raise InvalidInput(
                f'invalid argument "{text}" for "{flag}" flag: {error.message}',
                context=None if error.context == text else error.context,
                hint=error.hint,
                exit_code=125,
            ) from error

    def callback(_ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, tuple):
            return tuple(read(parameter, one) for one in value)
        return read(parameter, value)

    return callback


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
        raise InvalidInput(f"open {path}: {error.strerror}", exit_code=125) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error.reason}", exit_code=125) from error


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
                click.echo(answer)
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
            raise InvalidInput(f"cannot write {path}: {error.strerror}") from error
        return
    if sys.stdout.isatty():
        raise InvalidInput(
            "cowardly refusing to save to a terminal", hint="use the -o flag or redirect"
        )
    sys.stdout.flush()
    with open(1, "wb", closefd=False) as stream:
        yield stream.write


def confirmed(warning: str, *, force: bool) -> bool:
    """True where the user agrees to what can't be undone, or said so before."""
    return force or click.confirm(
        f"WARNING! {warning}\nAre you sure you want to continue?", err=True
    )


def tell_deleted(what: str, names: Sequence[str]) -> None:
    """Prints what a prune removed, as Docker does: nothing where there was nothing."""
    if names:
        click.echo(f"Deleted {what}:\n" + "\n".join(names) + "\n")


def tell_freed(size: int) -> None:
    """Prints how many bytes a prune freed."""
    from dockyard.cli.units import decimal_size

    click.echo(f"Total reclaimed space: {decimal_size(size)}")

"""What all commands share: a name, what the line may hold, Docker's errors and exit codes.

Docker answers a wrong option with exit code 125, and a wrong number of arguments with 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from dockyard.cli import catalog
from dockyard.cli.line import (
    BAD_OPTION,
    Argument,
    HelpWanted,
    Option,
    Parameter,
    UnknownOption,
    UsageProblem,
    declared,
    expected,
    read_arguments,
    read_options,
)
from dockyard.errors import DockyardError, NotSupported

if TYPE_CHECKING:  # commands that need no engine don't import it
    from dockyard.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")

_INTERRUPTED = 130
_given: ContextVar[Callable[[], Engine] | None] = ContextVar("engine", default=None)


class Command(NamedTuple):
    """A command that reads its line, and explains itself, as Docker's do."""

    name: str
    """Without the program's: ``network create``."""
    summary: str
    usage: str
    """What follows the command's name, such as ``[OPTIONS] CONTAINER``."""
    parameters: tuple[Parameter, ...]
    options_end_at_argument: bool
    function: Callable[..., int | None]

    @property
    def options(self) -> tuple[Option, ...]:
        """Its options."""
        return tuple(one for one in self.parameters if isinstance(one, Option))

    def __call__(
        self, path: str, words: Sequence[str], given: Mapping[str, Any] | None = None
    ) -> int:
        """Runs it; the exit code.

        Args:
            path: how it was called, such as ``dockyard container ls``.
            words: what follows on the line.
            given: what the flags of its group mean, as arguments of the function.

        Raises:
            DockyardError: the line is wrong, or what the command does failed.
        """
        try:
            line = read_options(words, self.options, interspersed=not self.options_end_at_argument)
        except HelpWanted:
            from dockyard.cli.help import command_help
            from dockyard.cli.output import say

            say(command_help(path, self.usage, self.summary, self.parameters), end="")
            return 0
        except UnknownOption as error:
            _refuse(self.name, error.flag)
            raise usage_problem(error, path, self.usage) from error
        except UsageProblem as error:
            raise usage_problem(error, path, self.usage) from error
        arguments = [one for one in self.parameters if isinstance(one, Argument)]
        values = read_arguments(line.words, arguments)
        if values is None:
            problem = UsageProblem(f"'{path}' {expected(arguments)}")
            raise usage_problem(problem, path, self.usage)
        return self.function(**values, **line.values, **(given or {})) or 0


def _refuse(name: str, flag: str) -> None:
    """Says why there isn't a flag that Docker's command of this name has."""
    from dockyard.cli.differences import refused

    found = refused(name, flag)
    if found is not None:
        long, why = found
        raise NotSupported(f"{long} is not supported", hint=why, exit_code=BAD_OPTION)


def usage_problem(error: UsageProblem, path: str, usage: str) -> UsageProblem:
    """The error with what the command's line looks like, and where its help is."""
    return UsageProblem(
        error.message,
        context=f"Usage:  {path} {usage}".rstrip(),
        hint=error.hint or f"see '{path} --help'",
        exit_code=error.exit_code,
    )


def define(
    name: str, usage: str = "[OPTIONS]", *, options_end_at_argument: bool = False
) -> Callable[[Callable[..., int | None]], Command]:
    """Makes a function a command; its summary is the catalog's.

    The function returns the exit code, 0 where it returns nothing.

    Args:
        options_end_at_argument: what follows the first argument belongs to a command in a
            container.
    """
    entry = catalog.find(name)
    summary = "" if entry is None else entry.summary

    def decorate(function: Callable[..., int | None]) -> Command:
        return Command(name, summary, usage, declared(function), options_end_at_argument, function)

    return decorate


def with_engine(function: Callable[Concatenate[Engine, P], R]) -> Callable[P, R]:
    """Gives a command an open engine as its first argument, and closes it afterwards."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with open_engine() as engine:
            return function(engine, *args, **kwargs)

    return wrapper


def open_engine() -> Engine:
    """The engine of the environment, or what :func:`using` named."""
    given = _given.get()
    if given is not None:
        return given()
    from dockyard.cli.render import print_warning
    from dockyard.engine import Engine

    return Engine(warn=print_warning)


@contextmanager
def using(engine: Callable[[], Engine] | None) -> Iterator[None]:
    """What opens the engine for the commands called meanwhile; ``None``: the environment's."""
    token = _given.set(engine)
    try:
        yield
    finally:
        _given.reset(token)


GOES_ON = "what is done is kept for the next try"
"""What :func:`canceled` says of a work that the same command goes on with."""


def canceled(what: str, *, kept: str = "nothing of it was kept") -> DockyardError:
    """The error for Ctrl-C in a long work that the engine has undone, but for what it says."""
    return DockyardError(f"{what} canceled, {kept}", reference="canceled",
                         exit_code=_INTERRUPTED)  # fmt: skip

"""What all commands share: Docker's help, usage errors and exit codes, on click.

Docker answers a wrong option with exit code 125, a wrong number of arguments with 1, and takes
``--flag=true`` and ``--flag=false`` for every switch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, TypeVar

import click

from dockyard.cli import catalog
from dockyard.errors import DockyardError, InvalidInput, NotSupported

if TYPE_CHECKING:  # commands that need no engine don't import it
    from dockyard.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])

BAD_OPTION = 125
_INTERRUPTED = 130
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_COLUMN = 2
_MAX_OPTION_WIDTH = 26


class UsageProblem(InvalidInput):
    """A command line that the command can't take."""

    reference = "usage"


class Command(click.Command):
    """A command that reads its line, and explains itself, as Docker's do."""

    usage = ""
    """What follows the command's name, such as ``[OPTIONS] CONTAINER``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with Docker's errors."""
        ctx.allow_extra_args = True  # counted below, in Docker's words
        line = list(_without_values(args, self.params, interspersed=ctx.allow_interspersed_args))
        try:
            super().parse_args(ctx, line)
        except click.MissingParameter as error:
            if isinstance(error.param, click.Argument):
                self._refuse_count(ctx)
            raise
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser doesn't always say where
            raise
        if ctx.args:
            self._refuse_count(ctx)
        return ctx.args

    def _refuse_count(self, ctx: click.Context) -> NoReturn:
        words = _expected(self.params)
        raise UsageProblem(
            f"'{ctx.command_path}' {words}",
            context=f"Usage:  {ctx.command_path} {self.usage}".rstrip(),
            hint=f"see '{ctx.command_path} --help'",
        )

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Docker's layout."""
        formatter.write(f"Usage:  {ctx.command_path} {self.usage}".rstrip() + "\n")
        formatter.write(f"\n{self.help}\n")
        records = described(self.get_params(ctx))
        if records:
            formatter.write("\nOptions:\n")
            formatter.indent()
            formatter.write_dl(records, col_max=_MAX_OPTION_WIDTH, col_spacing=_COLUMN)
            formatter.dedent()


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
    settings = {
        "allow_interspersed_args": not options_end_at_argument,
        "help_option_names": ["--help"],
        "max_content_width": 100,
    }

    def decorate(function: Callable[..., int | None]) -> Command:
        made = click.command(
            name.rpartition(" ")[2], cls=Command, help=summary, context_settings=settings
        )(function)
        made.usage = usage
        return made

    return decorate


def described(parameters: Iterable[click.Parameter]) -> list[tuple[str, str]]:
    """Names and meanings of the options that are shown, sorted by name as in Docker's help."""
    shown = [one for one in parameters if isinstance(one, click.Option) and not one.hidden]
    return [_describe(one) for one in sorted(shown, key=_long_name)]


def _long_name(option: click.Option) -> str:
    return next(name for name in option.opts if name.startswith("--"))


def _describe(parameter: click.Option) -> tuple[str, str]:
    short = [name for name in parameter.opts if not name.startswith("--")]
    lead = f"{short[0]}, " if short else "    "
    kind = "" if parameter.is_flag or parameter.count else f" {parameter.metavar or 'string'}"
    return f"{lead}{_long_name(parameter)}{kind}", parameter.help or ""


def with_engine(function: Callable[Concatenate[Engine, P], R]) -> Callable[P, R]:
    """Gives a command an open engine as its first argument, and closes it afterwards."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with open_engine() as engine:
            return function(engine, *args, **kwargs)

    return wrapper


def open_engine() -> Engine:
    """The engine of the environment, or what the caller of the root command gave as its object."""
    given: Callable[[], Engine] | None = click.get_current_context().obj
    if given is not None:
        return given()
    from dockyard.cli.render import print_warning
    from dockyard.engine import Engine

    return Engine(warn=print_warning)


def not_yet(flags: Mapping[str, str | None]) -> Callable[[F], F]:
    """Adds options that Docker has and Dockyard does not have yet: each is refused clearly.

    Args:
        flags: names (``-t, --tty``) to a hint; a name ending in ``=`` takes a value.
    """

    def decorate(function: F) -> F:
        for names, hint in flags.items():
            takes_value = names.endswith("=")
            declarations = names.removesuffix("=").split(", ")
            option = click.option(
                *declarations, hidden=True, expose_value=False, is_flag=not takes_value,
                multiple=takes_value, callback=functools.partial(refuse, declarations[-1], hint),
            )  # fmt: skip
            function = option(function)
        return function

    return decorate


def refuse(
    name: str, hint: str | None, ctx: click.Context, _parameter: click.Parameter, value: object
) -> None:
    if value:
        from dockyard.cli.differences import refusal

        command = ctx.command_path.partition(" ")[2]
        why = hint or refusal(command, name) or None
        raise NotSupported(f"{name} is not supported", hint=why, exit_code=BAD_OPTION)


def canceled(what: str, *, kept: str = "nothing of it was kept") -> DockyardError:
    """The error for Ctrl-C in a long work that the engine has undone, but for what it says."""
    return DockyardError(f"{what} canceled, {kept}", reference="canceled",
                         exit_code=_INTERRUPTED)  # fmt: skip


def translate(error: click.UsageError) -> UsageProblem:
    """A mistake that click found, in Docker's words."""
    ctx = error.ctx
    path = ctx.command_path if ctx else catalog.PROGRAM
    usage = ctx.command.usage if ctx and isinstance(ctx.command, Command) else "COMMAND"
    message, hint = _message(error)
    return UsageProblem(
        message,
        context=f"Usage:  {path} {usage}".rstrip(),
        hint=hint or f"see '{path} --help'",
        exit_code=BAD_OPTION,
    )


def _message(error: click.UsageError) -> tuple[str, str | None]:
    match error:
        case click.NoSuchOption():
            near = error.possibilities
            hint = f"did you mean {' or '.join(sorted(near))}?" if near else None
            return f"unknown flag: {error.option_name}", hint
        case click.BadOptionUsage():
            if "requires an argument" in error.message:
                return f"flag needs an argument: {error.option_name}", None
        case click.BadParameter() if isinstance(error.param, click.Option):
            flag = ", ".join(error.param.opts)
            return f'invalid argument for "{flag}" flag: {error.message}', None
    return error.format_message(), None


def _expected(parameters: Sequence[click.Parameter]) -> str:
    """How many arguments a command wants, in Docker's words."""
    arguments = [one for one in parameters if isinstance(one, click.Argument)]
    least = sum(1 for one in arguments if one.required)
    most = None if any(one.nargs < 0 for one in arguments) else len(arguments)
    if most == 0:
        return "accepts no arguments"
    if most is None:
        return f"requires at least {_count(least)}"
    if least == most:
        return f"requires {_count(least)}"
    if least == 0:
        return f"accepts at most {_count(most)}"
    return f"requires at least {least} and at most {_count(most)}"


def _count(number: int) -> str:
    return f"{number} argument" + ("" if number == 1 else "s")


def _without_values(
    args: Sequence[str], parameters: Sequence[click.Parameter], *, interspersed: bool
) -> Iterator[str]:
    """The line with ``--switch=true`` as ``--switch``, and without ``--switch=false``."""
    options = {
        name: one for one in parameters if isinstance(one, click.Option) for name in one.opts
    }
    rest = iter(args)
    for word in rest:
        name, equals, value = word.partition("=")
        option = options.get(name)
        positional = not word.startswith("-") or word == "-"
        if word == "--" or (positional and not interspersed):
            yield word
            break
        if option is not None and option.is_flag and equals and value in _TRUE | _FALSE:
            if value in _TRUE:
                yield name
            else:
                yield from option.secondary_opts
            continue
        yield word
        if _wants_next(word, options):
            yield from _next(rest)
    yield from rest


def _next(rest: Iterator[str]) -> Iterator[str]:
    for word in rest:
        yield word
        return


def _wants_next(word: str, options: Mapping[str, click.Option]) -> bool:
    """True where the option's value is the next word: ``--name x``, ``-v x``, ``-dv x``."""
    if word.startswith("--"):
        option = options.get(word)
        return option is not None and not option.is_flag
    for position, letter in enumerate(word[1:], start=2):
        option = options.get(f"-{letter}")
        if option is not None and not option.is_flag:
            return position == len(word)
    return False

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

import click

from dockyard._version import __version__
from dockyard.cli import catalog, render
from dockyard.cli.command import Command, UsageProblem, described, translate
from dockyard.errors import DiskFull, DockyardError, NotSupported

if TYPE_CHECKING:
    from dockyard.engine import Engine

_COLLECT_EVERY = 100_000
"""New objects between two looks for unreachable ones: a start needs nearly all that it makes."""
_INTERRUPTED = 128 + signal.SIGINT
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class CommandTable(click.Group):
    """Commands that are imported when they are called."""

    def __init__(self, prefix: str = "", **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # handed on as they come
        self._prefix = prefix

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names, in the order of the catalog."""
        names = (entry.name.removeprefix(self._prefix) for entry in self._entries())
        return list(dict.fromkeys(name.partition(" ")[0] for name in names))

    def _entries(self) -> list[catalog.Entry]:
        """What the table holds; for a group in the order of the names."""
        if not self._prefix:
            return list(catalog.ENTRIES)
        known = (*catalog.ENTRIES, *catalog.ALIASES)
        return sorted(one for one in known if one.name.startswith(self._prefix))

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Imports a command."""
        if not self._prefix and name in catalog.GROUPS:
            return CommandTable(f"{name} ", name=name, help=catalog.GROUPS[name],
                                context_settings={"help_option_names": ["--help"]})  # fmt: skip
        entry = catalog.find(self._prefix + name)
        if entry is None:
            return None
        import importlib

        found: Command = importlib.import_module(entry.module).command
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Shows the help where nothing is asked for."""
        if not args:
            click.echo(ctx.get_help())
            ctx.exit()
        if args[0] in {"help", "-h"}:  # help COMMAND is the command's
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the line's first word; options of a program are not guessed at."""
        found = self.get_command(ctx, args[0])
        if found is None and not self._prefix and args[0] in catalog.NOT_YET:
            from dockyard.cli.differences import REFUSED

            raise NotSupported(
                f"{ctx.command_path} {args[0]} is not supported",
                hint=REFUSED.get(args[0]) or f"'{ctx.command_path} --help' lists what is",
            )
        if found is None:
            raise UsageProblem(
                f"unknown command: {ctx.command_path} {args[0]}",
                hint=_nearest(args[0], self.list_commands(ctx), ctx.command_path),
            )
        return args[0], found, args[1:]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Docker's layout: what is used most comes first."""
        formatter.write(f"Usage:  {ctx.command_path} [OPTIONS] COMMAND\n\n{self.help}\n")
        entries = self._entries()
        for title, common in (("Common Commands", True), ("Commands", False)):
            records = [(one.name.removeprefix(self._prefix), one.summary)
                       for one in entries if one.common == common]  # fmt: skip
            if records:
                formatter.write(f"\n{title}:\n")
                formatter.indent()
                formatter.write_dl(records)
                formatter.dedent()
        records = described(self.get_params(ctx))
        formatter.write("\nOptions:\n")
        formatter.indent()
        formatter.write_dl(records)
        formatter.dedent()
        formatter.write(f"\nRun '{ctx.command_path} COMMAND --help' for more on a command.\n")


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value:
        click.echo(f"Dockyard version {__version__}")
        ctx.exit()


@click.group(
    cls=CommandTable,
    help="Builds, ships and runs containers, without a daemon",
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
)
@click.option("-v", "--version", is_flag=True, is_eager=True, expose_value=False,
              callback=_print_version, help="Print version information and quit")  # fmt: skip
@click.option("-D", "--debug", is_flag=True, help="Show tracebacks of unexpected errors")
def root(*, debug: bool) -> None:
    """The program's own options."""
    if debug:
        os.environ["DOCKYARD_DEBUG"] = "1"  # for this process and the programs it starts


def main() -> NoReturn:
    """Entry point of ``dockyard`` and ``dy``."""
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
        code = root.main(list(args), catalog.PROGRAM, standalone_mode=False, obj=engine)
    except DockyardError as error:
        return _fail(error, args)
    except click.UsageError as error:
        return _fail(translate(error), args)
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except SystemExit as request:  # a signal that asks to end: what was begun is undone by now
        return request.code if isinstance(request.code, int) else 1
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001  # the last door: a user gets words, not a traceback
        return _fail(_unexpected(error), args)
    return code if isinstance(code, int) else 0


def _terminate(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _fail(error: DockyardError, args: Sequence[str]) -> int:
    render.print_error(error)
    if error.exit_code == 1 and not isinstance(error, UsageProblem):
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


def _nearest(name: str, known: Sequence[str], path: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {path} {near[0]}?" if near else f"see '{path} --help'"


if __name__ == "__main__":
    main()

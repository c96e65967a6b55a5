"""What ``--help`` prints, in Docker's layout. Pure, but for the width of the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dockyard.cli.line import Option

if TYPE_CHECKING:
    from dockyard.cli.catalog import Entry
    from dockyard.cli.line import Parameter

_MAX_WIDTH = 98
_MIN_WIDTH = 50
_MAX_FIRST_COLUMN = 30
_MAX_OPTION = 26
_BETWEEN = 2
_INDENT = 2

Rows = Sequence[tuple[str, str]]


def command_help(path: str, usage: str, summary: str, parameters: Iterable[Parameter]) -> str:
    """The help of one command."""
    parts = [f"Usage:  {path} {usage}".rstrip() + "\n", f"\n{summary}\n"]
    rows = described(parameters)
    if rows:
        parts += ["\nOptions:\n", definitions(_with_help(rows), _width(), most=_MAX_OPTION)]
    return "".join(parts)


def table_help(
    path: str, summary: str, entries: Sequence[Entry], prefix: str, options: Iterable[Parameter]
) -> str:
    """The help of the program, or of a group: what is used most comes first.

    Args:
        prefix: what the names in the table leave out: the group's, with a space.
    """
    width = _width()
    parts = [f"Usage:  {path} [OPTIONS] COMMAND\n\n{summary}\n"]
    for title, common in (("Common Commands", True), ("Commands", False)):
        rows = [(one.name.removeprefix(prefix), one.summary)
                for one in entries if one.common == common]  # fmt: skip
        if rows:
            parts += [f"\n{title}:\n", definitions(rows, width)]
    parts += ["\nOptions:\n", definitions(_with_help(described(options)), width)]
    parts.append(f"\nRun '{path} COMMAND --help' for more on a command.\n")
    return "".join(parts)


def described(parameters: Iterable[Parameter]) -> list[tuple[str, str]]:
    """Names and meanings of the options that are shown, sorted by name as in Docker's help."""
    shown = [one for one in parameters if isinstance(one, Option) and not one.hidden]
    return [(_names(one), one.help) for one in sorted(shown, key=lambda one: one.long_name)]


def _with_help(rows: Rows) -> Rows:
    """The same rows, and the option that every command has."""
    return [*rows, ("    --help", "Show this message and exit")]


def _names(option: Option) -> str:
    short = [name for name in option.names if not name.startswith("--")]
    lead = f"{short[0]}, " if short else "    "
    return f"{lead}{option.long_name}" + ("" if option.is_flag else f" {option.metavar}")


def definitions(rows: Rows, width: int, *, most: int = _MAX_FIRST_COLUMN) -> str:
    """Two columns, of which the second one is wrapped; a long first one has a line of its own.

    Args:
        width: columns of the whole.
        most: columns of the first column.
    """
    first = min(max(len(name) for name, _ in rows), most) + _BETWEEN
    start = " " * (_INDENT + first)
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, max(width - len(start), 10)) or [""]
        lead = " " * _INDENT + name
        if len(name) > first - _BETWEEN:
            lines += [lead, *(start + line for line in wrapped)]
        else:
            lines += [lead.ljust(len(start)) + wrapped[0], *(start + line for line in wrapped[1:])]
    return "".join(f"{line}\n".replace(" \n", "\n") for line in lines)


def _width() -> int:
    return max(min(shutil.get_terminal_size().columns, _MAX_WIDTH + _INDENT) - _INDENT, _MIN_WIDTH)

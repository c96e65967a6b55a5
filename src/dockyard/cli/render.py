"""What goes to standard error: errors, warnings, notes. The only place that draws them."""

from __future__ import annotations

import os
import sys

from dockyard.cli.visible import visible
from dockyard.errors import DockyardError

_RED = "31"
_YELLOW = "33"
_DIM = "2"


def print_error(error: DockyardError) -> None:
    """Prints an error with its context and hint."""
    write(error_text(error, colour=use_colour()))


def print_warning(sentence: str) -> None:
    """Prints a sentence about something that did not fail."""
    write(f"{paint('WARNING:', _YELLOW, on=use_colour())} {visible(sentence)}\n")


def print_note(sentence: str) -> None:
    """Prints what the user may want to know."""
    write(f"{visible(sentence)}\n")


def error_text(error: DockyardError, *, colour: bool = False) -> str:
    """The error as lines: what happened, where (indented), and what to do next.

    What it quotes, of a container or a server, can't control the terminal.
    """
    lines = [f"{paint('dockyard:', _RED, on=colour)} {visible(error.message)}"]
    context = visible((error.context or "").replace("\r\n", "\n"))
    lines += [f"  {line}".rstrip() for line in context.splitlines()]
    if error.hint:
        lines.append(f"{paint('hint:', _DIM, on=colour)} {visible(error.hint)}")
    return "\n".join(lines) + "\n"


def use_colour() -> bool:
    """True where standard error is a terminal that wants colour (see no-color.org)."""
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def paint(text: str, code: str, *, on: bool) -> str:
    """The text in a colour (a parameter of ECMA-48's SGR)."""
    return f"\x1b[{code}m{text}\x1b[0m" if on else text


def write(text: str) -> None:
    """Writes to standard error; one that is closed takes nothing."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass

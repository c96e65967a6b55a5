"""An instruction taken apart, before its own grammar is applied."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.flags import Flags
from dockyard.build.dockerfile.lexer import LogicalLine
from dockyard.build.dockerfile.source import Location, invalid
from dockyard.build.dockerfile.words import exec_form


class _Place(TypedDict):
    location: Location
    text: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction's parts before its own grammar is applied."""

    keyword: str
    flags: Flags
    rest: str
    line: LogicalLine
    escape: str

    @property
    def place(self) -> _Place:
        """Where it stands, for the instruction that it becomes."""
        return {"location": self.line.location, "text": self.line.text.strip()}


def command_of(text: str) -> ins.Command:
    """A command in either form."""
    arguments = exec_form(text)
    return ins.ShellForm(text) if arguments is None else ins.ExecForm(arguments)


def required(statement: Statement, hint: str = "") -> str:
    """What stands behind the keyword; ``hint`` says what it could be.

    Raises:
        BuildError: nothing does.
    """
    if not statement.rest:
        raise invalid(
            f"{statement.keyword} requires at least one argument",
            hint or f"write it behind {statement.keyword}",
        )
    return statement.rest


def single(statement: Statement) -> str:
    """As :func:`required`, for an instruction that takes one argument."""
    if not statement.rest:
        raise invalid(
            f"{statement.keyword} requires exactly one argument",
            hint=f"write {statement.keyword} and one word",
        )
    return statement.rest

"""Short forms of the declarations that the subjects' modules are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dockyard.cli import options as shared

Read = Callable[[str], object]


def notation(name: str) -> Read:
    """A function of :mod:`dockyard.arguments`, which is imported with the first value to read."""

    def read(value: str) -> object:
        from dockyard import arguments

        understand: Read = getattr(arguments, name)
        return understand(value)

    return read


def text(*names: str, kind: str = "string", help: str) -> Any:  # noqa: A002  # click's word
    """A flag whose value is taken as it is."""
    return click.option(*names, metavar=kind, help=help)


def number(*names: str, help: str) -> Any:  # noqa: A002  # click's word
    """A flag with a whole number."""
    return click.option(*names, type=int, metavar="int", help=help)


def switch(*names: str, help: str) -> Any:  # noqa: A002  # click's word
    """A flag without a value."""
    return click.option(*names, is_flag=True, help=help)


def parsed(*names: str, kind: str, read: Read, help: str) -> Any:  # noqa: A002  # click's word
    """A flag whose value ``read`` understands."""
    return click.option(*names, metavar=kind, help=help, callback=shared.reads(read))


def several(
    *names: str, help: str, read: Read | None = None, kind: str = "list"  # noqa: A002  # click's word
) -> Any:  # fmt: skip
    """A flag that may be given several times."""
    callback = None if read is None else shared.reads(read)
    return click.option(*names, metavar=kind, help=help, multiple=True, callback=callback)

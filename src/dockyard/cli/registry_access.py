"""What the commands on a registry's users, tokens and rules share: its directory, and passwords."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from dockyard.cli.line import option
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.registry.access.manage import Manager

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST = 4096

root = option("--root", metavar="directory",
              help="The registry's directory (default: registry in DOCKYARD_ROOT)")  # fmt: skip
password_stdin = option("--password-stdin", is_flag=True, help="Take the password from stdin")


def with_manager(function: Callable[Concatenate[Manager, P], R]) -> Callable[..., R]:
    """Gives a command what the registry in ``--root`` is changed with, and closes it afterwards."""
    return _managed(function, make=False)


def with_new_manager(function: Callable[Concatenate[Manager, P], R]) -> Callable[..., R]:
    """The same for what may come before the registry was ever served."""
    return _managed(function, make=True)


def _managed(function: Callable[Concatenate[Manager, P], R], *, make: bool) -> Callable[..., R]:
    @functools.wraps(function)
    def wrapper(*args: Any, root: str | None, **kwargs: Any) -> R:
        from dockyard.cli.registry_root import directory
        from dockyard.cli.render import print_warning
        from dockyard.registry.access.opening import open_manager

        where = directory(root)
        if not make and not os.path.isdir(where):
            raise NotFound(
                f"there is no registry in {where}",
                hint="dockyard registry serve makes one; name another directory with --root",
            )
        manager = open_manager(where, warn=print_warning)
        try:
            return function(manager, *args, **kwargs)
        finally:
            manager.close()

    return wrapper


def read_password(name: str, *, from_stdin: bool) -> str:
    """A new password: the first line of standard input, or what the user types twice.

    Raises:
        InvalidInput: there is none, or the two differ.
    """
    if from_stdin:
        return _line(sys.stdin.buffer.readline(_LONGEST))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput("there is no terminal to ask for a password",
                           hint="give it on standard input with --password-stdin")  # fmt: skip
    import getpass

    first = getpass.getpass(f"Password of {name}: ", stream=sys.stderr)
    if getpass.getpass("The same again: ", stream=sys.stderr) != first:
        raise InvalidInput("the two passwords differ", hint="nothing was changed; try again")
    return first


def _line(data: bytes) -> str:
    try:
        text = data.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise InvalidInput("the password is not UTF-8", hint="clients send it as UTF-8") from None
    if not text:
        raise InvalidInput("the password is empty", hint="nothing came on standard input")
    return text

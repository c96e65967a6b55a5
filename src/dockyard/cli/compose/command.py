"""What every command of ``dockyard compose`` gets: the engine, and the flags before its name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from dockyard.cli.command import open_engine
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import option

if TYPE_CHECKING:
    from dockyard.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")

_dry_run = option("--dry-run", is_flag=True, help="Execute command in dry run mode")


def with_flags(function: Callable[Concatenate[Flags, P], R]) -> Callable[..., R]:
    """Gives a command the flags of ``compose``, and ``--dry-run``, which may follow its name."""

    @functools.wraps(function)
    def wrapper(*args: Any, flags: Flags, dry_run: bool, **kwargs: Any) -> R:
        whole = flags._replace(dry_run=flags.dry_run or dry_run)
        return function(whole, *args, **kwargs)

    return _dry_run(wrapper)


def with_compose(function: Callable[Concatenate[Engine, Flags, P], R]) -> Callable[..., R]:
    """The same, with an open engine before them, which is closed afterwards."""

    @functools.wraps(function)
    def wrapper(flags: Flags, *args: Any, **kwargs: Any) -> R:
        with open_engine() as engine:
            return function(engine, flags, *args, **kwargs)

    return with_flags(wrapper)

"""What the commands have in common that make containers: flags, and what they mean."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from dockyard.cli.command import canceled
from dockyard.cli.compose import board, build_view
from dockyard.cli.compose import options as shared
from dockyard.cli.compose.flags import Flags, says_yes
from dockyard.cli.line import UsageProblem, option
from dockyard.cli.options import failing
from dockyard.compose import selection
from dockyard.compose.model.project import Project
from dockyard.compose.options import CreateOptions, Policy
from dockyard.decoding import natural
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine

_PULLS = ("always", "missing", "never", "build", "if_not_present")
_EXCLUDING = (
    ("build", "no_build"), ("force_recreate", "no_recreate"),
    ("renew_anon_volumes", "no_recreate"), ("always_recreate_deps", "no_recreate"),
)  # fmt: skip

_FLAGS = (
    option("--build", is_flag=True, help="Build images before starting containers"),
    option("--force-recreate", is_flag=True,
           help="Recreate containers even if their configuration and image haven't changed"),
    option("--no-build", is_flag=True, help="Don't build an image, even if it's policy"),
    option("--no-recreate", is_flag=True,
           help="If containers already exist, don't recreate them. Incompatible with"
           " --force-recreate."),
    option("--pull", metavar="string", default="policy",
           help='Pull image before running ("always"|"missing"|"never")'),
    option("--quiet-pull", is_flag=True, help="Pull without printing progress information"),
    shared.remove_orphans,
    option("--scale", multiple=True, metavar="stringArray",
           help="Scale SERVICE to NUM instances. Overrides the `scale` setting in the Compose file"
           " if present."),
    option("-y", "--yes", is_flag=True,
           help='Assume "yes" as answer to all prompts and run non-interactively'),
)  # fmt: skip


def flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of ``up`` and ``create``."""
    for each in reversed(_FLAGS):
        function = each(function)
    return function


def check(values: Mapping[str, Any]) -> None:
    """Refuses flags that contradict each other.

    Raises:
        UsageProblem: in Compose's words.
    """
    for one, other in _EXCLUDING:
        if values.get(one) and values.get(other):
            names = (f"--{name.replace('_', '-')}" for name in (one, other))
            raise UsageProblem(" and ".join(names) + " are incompatible",
                               hint="leave one of them out")  # fmt: skip
    if values["pull"] not in {"policy", *_PULLS}:
        raise UsageProblem(f'invalid --pull option "{values["pull"]}"',
                           hint=f"one of {', '.join(_PULLS)}")  # fmt: skip


def options(flags: Flags, services: tuple[str, ...], values: Mapping[str, Any]) -> CreateOptions:
    """What the flags mean."""
    build: Literal["missing", "always", "never"] = "missing"
    if values["build"] or values["no_build"]:
        build = "always" if values["build"] else "never"
    ignore = says_yes(os.environ.get("COMPOSE_IGNORE_ORPHANS", ""))
    remove = shared.wants_orphans(values["remove_orphans"], os.environ)
    if ignore and remove:
        raise UsageProblem("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans",
                           hint="unset the variable")  # fmt: skip
    renew = bool(values.get("renew_anon_volumes"))
    return CreateOptions(
        services=services,
        recreate=_policy(values, force=values["force_recreate"] or renew),
        recreate_dependencies=_policy(values, force=bool(values.get("always_recreate_deps"))),
        inherit=not renew,
        remove_orphans=remove,
        ignore_orphans=ignore,
        timeout=values.get("timeout"),
        build=build,
        pull="" if values["pull"] == "policy" else values["pull"],
        quiet_pull=values["quiet_pull"],
        yes=values["yes"],
        dry_run=flags.dry_run,
        parallel=flags.at_once,
    )


def _policy(values: Mapping[str, Any], *, force: bool) -> Policy:
    if values["no_recreate"]:
        return "never"
    return "force" if force else "diverged"


def scaled(project: Project, entries: tuple[str, ...]) -> Project:
    """The project with the numbers of ``--scale SERVICE=NUM``.

    Raises:
        InvalidInput: an entry is of another form.
        NotFound: there is no such service.
    """
    counts = {}
    for entry in entries:
        name, equals, number = entry.partition("=")
        count = natural(number)
        if not equals or count is None:
            raise InvalidInput(f'invalid --scale option "{entry}". Should be SERVICE=NUM',
                               hint="such as --scale web=3")  # fmt: skip
        require(project, name)
        counts[name] = count
    return selection.scaled(project, counts)


def require(project: Project, name: str) -> None:
    """Raises :class:`NotFound` where a project has no such service."""
    selection.service_of(project, name)


def create(
    engine: Engine, flags: Flags, project: Project, options: CreateOptions, *,
    title: str = "Creating", quiet: bool = False,
) -> None:  # fmt: skip
    """Makes containers, and shows how it goes.

    Args:
        title: what is done.
        quiet: builds go on unseen.
    """
    with (
        interruptible(),
        build_view.shown(flags, quiet=quiet) as built,
        board.shown(title, flags) as listener,
    ):
        engine.stacks.create(project, options, listener=listener, built=built)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Has Ctrl-C say what it left; failures have the exit code 1, as in Compose."""
    try:
        with failing(1):
            yield
    except KeyboardInterrupt as error:
        raise canceled("up", kept="what was made stays: up goes on, down removes it") from error

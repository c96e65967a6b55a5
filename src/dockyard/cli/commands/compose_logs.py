"""``compose logs``."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.commands.logs import parse_tail
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.log_view import LogView
from dockyard.cli.line import UsageProblem, argument, option, whole_number
from dockyard.cli.moments import parse_moment
from dockyard.cli.output import write_all
from dockyard.compose import logs, observe, targets
from dockyard.compose.model.project import Project

if TYPE_CHECKING:
    from dockyard.compose.observe import Observed, Stack
    from dockyard.engine import Engine


_RESTART_SECONDS = 3.0
"""``restart`` has stopped what it is about to start again."""


@define("compose logs", "[OPTIONS] [SERVICE...]")
@option("-f", "--follow", is_flag=True, help="Follow log output")
@option("--index", read=whole_number, metavar="int", default=0,
        help="index of the container if service has multiple replicas")  # fmt: skip
@option("--no-color", is_flag=True, help="Produce monochrome output")
@option("--no-log-prefix", is_flag=True, help="Don't print prefix in logs")
@option("--since", metavar="string",
        help="Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative"
        " (e.g. 42m for 42 minutes)")  # fmt: skip
@option("-n", "--tail", default="all", metavar="string",
        help="Number of lines to show from the end of the logs for each container")  # fmt: skip
@option("-t", "--timestamps", is_flag=True, help="Show timestamps")
@option("--until", metavar="string",
        help="Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative"
        " (e.g. 42m for 42 minutes)")  # fmt: skip
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    follow: bool,
    index: int,
    no_color: bool,
    no_log_prefix: bool,
    since: str | None,
    tail: str,
    timestamps: bool,
    until: str | None,
) -> None:
    """Prints what the services' containers wrote, in the order of time."""
    if index > 0 and len(services) != 1:
        raise UsageProblem(
            "--index requires one service to be selected", hint="name one service behind it"
        )
    now = time.time_ns()
    wanted = logs.Wanted(
        tail=parse_tail(tail),
        since=None if since is None else parse_moment(since, now),
        until=None if until is None else parse_moment(until, now),
    )
    project, name = projects.find(flags, services)
    chosen = services or _attached(project)
    present = _present(observe.observed(engine, name), chosen, index)
    view = LogView(
        [targets.short_name(each) for each in present],
        colour=not no_color and use_colour(flags), prefix=not no_log_prefix,
        timestamps=timestamps,
    )  # fmt: skip
    lines = (
        logs.Follower(engine, name, chosen, wanted, now=now, index=index, patience=_RESTART_SECONDS)
        if follow
        else logs.read(engine, present, wanted)
    )
    for line in lines:
        write_all(1, view.text(line))


def _present(stack: Stack, services: tuple[str, ...], index: int) -> tuple[Observed, ...]:
    if index:
        return (targets.one(stack, services[0], index, everything=True, oneoff=False),)
    return targets.chosen(stack, services)


def use_colour(flags: Flags) -> bool:
    """True where names on standard output are to have colours."""
    if flags.ansi != "auto":
        return flags.ansi == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _attached(project: Project | None) -> tuple[str, ...]:
    """The services whose output is shown unasked: those without ``attach: false``."""
    if project is None:
        return ()
    return tuple(name for name, one in project.services.items() if one.attach is not False)

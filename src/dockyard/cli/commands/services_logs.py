"""``services logs``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import all_logs
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands.logs import parse_tail
from dockyard.cli.line import argument, option
from dockyard.cli.moments import parse_moment
from dockyard.cli.output import write_all

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("services logs", "[OPTIONS] [SERVICE...]")
@option("--grep", metavar="string", help="Only lines that a regular expression fits")
@option("--programs", is_flag=True,
        help="What gateway, activator and controller print, instead of the replicas")  # fmt: skip
@option("--since", metavar="string",
        help="Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative"
        " (e.g. 42m for 42 minutes)")  # fmt: skip
@option("-n", "--tail", default="all", metavar="string",
        help="Number of lines to show from the end of the logs for each replica")  # fmt: skip
@option("-t", "--timestamps", is_flag=True, help="Show timestamps")
@argument("names", many=True, required=False)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, grep: str | None, programs: bool,
    since: str | None, tail: str, timestamps: bool,
) -> None:  # fmt: skip
    """Prints what the replicas of services wrote, in the order of time."""
    from dockyard.compose import logs, observe
    from dockyard.serving.records import TEMPLATE

    searched = all_logs.pattern(grep)
    if programs:
        _programs(engine)
        return
    chosen = [engine.services.find(name) for name in names]
    wanted = logs.Wanted(
        tail=parse_tail(tail), since=None if since is None else parse_moment(since, time.time_ns())
    )
    projects = {one.service.project for one in engine.services.all()}
    replicas = [
        each
        for project in sorted(projects)
        for each in observe.observed(engine, project).lasting
        if TEMPLATE in each.labels
        and (not chosen or any((one.service.project, variant) == (project, each.service)
                               for one, variant in chosen))
    ]  # fmt: skip
    all_logs.show(engine, replicas, wanted, searched, timestamps=timestamps)


def _programs(engine: Engine) -> None:
    from dockyard.serving.places import PROGRAMS
    from dockyard.serving.supervise.places import Places

    for name in PROGRAMS:
        path = Places(engine.paths, name).output
        try:
            with open(path, "rb") as stream:
                for line in stream:
                    text = line.split(b" ", 3)[-1]
                    write_all(1, f"{name:<10} | ".encode() + text)
        except FileNotFoundError:
            continue

"""``logs``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import UsageProblem, argument, option
from dockyard.cli.moments import parse_moment
from dockyard.cli.output import write_all
from dockyard.containers.logs import LogLine, utc
from dockyard.decoding import natural
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("logs", "[OPTIONS] CONTAINER")
@option("-a", "--all", "everything", is_flag=True,
        help="Show the logs of all containers, in the order of time")  # fmt: skip
@option("--details", is_flag=True, help="Show extra details provided to logs")
@option("-f", "--follow", is_flag=True, help="Follow log output")
@option("--grep", metavar="string", help="Only lines that a regular expression fits")
@option("--since", metavar="string",
        help='Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative'
        ' (e.g. "42m" for 42 minutes)')  # fmt: skip
@option("-n", "--tail", default="all", metavar="string",
        help='Number of lines to show from the end of the logs (default "all")')  # fmt: skip
@option("-t", "--timestamps", is_flag=True, help="Show timestamps")
@option("--until", metavar="string",
        help='Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative'
        ' (e.g. "42m" for 42 minutes)')  # fmt: skip
@argument("name", required=False)
@with_engine
def command(
    engine: Engine,
    name: str | None,
    *,
    everything: bool,
    details: bool,
    follow: bool,
    grep: str | None,
    since: str | None,
    tail: str,
    timestamps: bool,
    until: str | None,
) -> None:
    """Prints a container's output, each stream to its own."""
    now = time.time_ns()
    begin = None if since is None else parse_moment(since, now)
    end = None if until is None else parse_moment(until, now)
    if everything or grep is not None:
        _all(engine, name, grep, begin, end, parse_tail(tail), follow=follow, details=details,
             timestamps=timestamps, everything=everything)  # fmt: skip
        return
    if name is None:
        raise UsageProblem("'dockyard logs' requires 1 argument", hint="a container, or --all")
    shown = engine.containers.get(name).log.details if details else {}
    extra = f"{','.join(f'{key}={shown[key]}' for key in sorted(shown))} " if details else ""
    unfinished: set[int] = set()  # streams in the middle of a line
    for line in engine.containers.logs(
        name, follow=follow, tail=parse_tail(tail), since=begin, until=end
    ):
        new = line.stream not in unfinished
        mark = _mark(line, extra, timestamps=timestamps) if new else b""
        write_all(line.stream, mark + line.data)
        if line.data.endswith(b"\n"):
            unfinished.discard(line.stream)
        else:
            unfinished.add(line.stream)


def _all(
    engine: Engine, name: str | None, grep: str | None, since: str | None, until: str | None,
    tail: int | None, *, follow: bool, details: bool, timestamps: bool, everything: bool,
) -> None:  # fmt: skip
    """Of all containers, or those lines of one that are searched for, with names before them."""
    from dockyard.cli import all_logs
    from dockyard.compose import logs, observe

    if follow or details:
        raise UsageProblem("--all and --grep show what there is, without --follow and --details",
                           hint="dockyard compose logs -f follows all of a project")  # fmt: skip
    if everything == (name is not None):
        raise UsageProblem("name a container, or say --all", hint="not both, nor none")
    containers = engine.containers.all() if name is None else [engine.containers.get(name)]
    found = [observe.refreshed(engine, each.id) for each in containers]
    wanted = logs.Wanted(tail=tail, since=since, until=until)
    all_logs.show(engine, found, wanted, all_logs.pattern(grep), timestamps=timestamps)


def _mark(line: LogLine, extra: str, *, timestamps: bool) -> bytes:
    moment = f"{utc(line)} " if timestamps else ""
    return f"{moment}{extra}".encode()


def parse_tail(text: str) -> int | None:
    """A number of lines; ``None`` for all, which is also what Docker takes a negative one for.

    Raises:
        InvalidInput: it is neither a number nor ``all``.
    """
    if text == "all":
        return None
    count = natural(text.removeprefix("-"))
    if count is None:
        raise InvalidInput(f"invalid number of lines: {text!r}", hint="a number, or all")
    return None if text.startswith("-") else count

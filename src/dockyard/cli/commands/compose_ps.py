"""``compose ps``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockyard.cli import containers_view as view
from dockyard.cli import listing
from dockyard.cli.command import define
from dockyard.cli.compose import options as shared
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.labelled import LabelledRow
from dockyard.cli.line import UsageProblem, argument, option
from dockyard.cli.open_ports import Ports
from dockyard.cli.output import say
from dockyard.cli.ports_view import Port
from dockyard.compose import observe, targets
from dockyard.compose.observe import Observed, Stack
from dockyard.errors import NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_TITLES = view.TITLES | {"Name": "NAME", "Project": "PROJECT", "Service": "SERVICE"}
_FILTER = "such as status=running"
_SPARE = ("Command", "Image", "RunningFor", "Service")
"""Where it is narrow, in the order in which they go; a service is part of its containers' names."""
_COLUMNS = ("Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports")


@define("compose ps", "[OPTIONS] [SERVICE...]")
@option(
    "-a",
    "--all",
    "everything",
    is_flag=True,
    help="Show all stopped containers (including those created by the run command)",
)
@option(
    "--filter",
    "condition",
    metavar="string",
    default="",
    help="Filter services by a property (supported filters: status)",
)
@option(
    "--format",
    "form",
    metavar="string",
    default="table",
    help="Format the output: table, json, or a Go template",
)
@option("--no-trunc", is_flag=True, help="Don't truncate output")
@option(
    "--orphans",
    default="true",
    metavar="bool",
    help="Include orphaned services (not declared by project)",
)
@shared.quiet_ids
@option("--services", "names_only", is_flag=True, help="Display services")
@option(
    "--status",
    "states",
    multiple=True,
    metavar="stringArray",
    help="Filter services by status. Values: [paused | restarting | removing | running | dead"
    " | created | exited]",
)
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    everything: bool,
    condition: str,
    form: str,
    no_trunc: bool,
    orphans: str,
    quiet: bool,
    names_only: bool,
    states: tuple[str, ...],
) -> None:
    """Lists a project's containers, by name."""
    states = (*states, *_status_of(condition))
    project, name = projects.find(flags, services)
    stack = observe.observed(engine, name)
    known = tuple(stack.services if project is None else project.services)
    for each in services:
        if each not in known:
            raise NotFound(f"no such service: {each}", hint=f"there are {', '.join(known)}")
    if not services and orphans.lower() in {"false", "0", "f"}:
        services = known
    chosen = _chosen(stack, services, everything=everything, states=states)
    if quiet:
        for one in chosen:
            say(one.id)
        return
    if names_only:
        say("\n".join(dict.fromkeys(one.service for one in chosen)))
        return
    _put(engine, chosen, form, cut=not no_trunc)


def _chosen(
    stack: Stack, services: tuple[str, ...], *, everything: bool, states: tuple[str, ...]
) -> list[Observed]:
    whole = everything or bool(states)
    found = targets.chosen(stack, services, everything=whole, oneoff=whole)
    matching = (each for each in found if not states or each.state in states)
    return sorted(matching, key=lambda each: each.name)


def _status_of(condition: str) -> tuple[str, ...]:
    if not condition:
        return ()
    key, equals, value = condition.partition("=")
    if not equals:
        raise UsageProblem("arguments to --filter should be in form KEY=VAL", hint=_FILTER)
    if key != "status":
        raise UsageProblem(f"unknown filter {key}", hint=_FILTER)
    return (value,)


def _put(engine: Engine, chosen: list[Observed], form: str, *, cut: bool) -> None:
    now = time.time_ns()
    known = Ports(engine)
    ports = [known.of(each.record) for each in chosen]
    rows = [_row(each, its, now, cut=cut) for each, its in zip(chosen, ports, strict=True)]
    if form == "json":
        from dockyard.cli import template  # only where there is a format

        for its, row in zip(ports, rows, strict=True):
            say(template.to_json(dict(sorted(_document(its, row).items()))))
        return
    width = listing.terminal_width(cut=cut)
    listing.put(listing.list_text(rows, _TITLES, _COLUMNS, form, width, spare=_SPARE))


def _row(each: Observed, ports: tuple[Port, ...], now: int, *, cut: bool) -> LabelledRow:
    shown = view.Shown(each.record, ports, health=each.health or None)
    row = view.row(shown, now, cut=cut)
    own = {
        "Name": each.name,
        "Project": each.project,
        "Service": each.service,
        "Health": each.health,
        "ExitCode": str(each.exit_code if each.state == "exited" else 0),
    }
    row.update(own)
    return row


def _document(ports: tuple[Port, ...], row: LabelledRow) -> dict[str, object]:
    publishers = [
        {
            "URL": one.address,
            "TargetPort": one.number,
            "PublishedPort": one.host_port,
            "Protocol": one.protocol,
        }
        for one in sorted(ports, key=lambda one: one.number)
    ]
    left_out = {"Platform"}
    found: dict[str, object] = {name: row[name] for name in row if name not in left_out}
    return found | {"ExitCode": int(row["ExitCode"]), "Publishers": publishers}

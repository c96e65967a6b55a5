"""``compose rm``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.compose import board
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.cli.render import print_note, write
from dockyard.compose import observe, selection, verbs
from dockyard.compose.observe import Observed
from dockyard.compose.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.engine import Engine


@define("compose rm", "[OPTIONS] [SERVICE...]")
@option("-a", "--all", "everything", is_flag=True, hidden=True, help="Deprecated - no effect")
@option("-f", "--force", is_flag=True, help="Don't ask to confirm removal")
@option("-s", "--stop", is_flag=True,
        help="Stop the containers, if required, before removing")  # fmt: skip
@option("-v", "--volumes", is_flag=True,
        help="Remove any anonymous volumes attached to containers")  # fmt: skip
@argument("services", many=True, required=False)
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    services: tuple[str, ...],
    *,
    everything: bool,  # noqa: ARG001  # Compose has it too, without effect
    force: bool,
    stop: bool,
    volumes: bool,
) -> None:
    """Removes the services' containers that don't run."""
    project, name = projects.find(flags, services)
    stack = observe.observed(engine, name)
    if not stack.lasting:
        print_note("No stopped containers")
        return
    known = project or selection.of_stack(stack)
    done = Verbs(engine=engine, project=known, dry_run=flags.dry_run, parallel=flags.parallel)
    if stop:
        with board.shown("Stopping", flags) as listener:
            done.heard_by(listener).stop(stack, services or known.services)
        stack = observe.observed(engine, name)
    found = [
        each
        for each in verbs.removable(stack, services, stopped=stop and flags.dry_run)
        if project is None or each.service in project.services
    ]
    if not found:
        print_note("No stopped containers")
        return
    if _agreed(found, force=force):
        with board.shown("Removing", flags) as listener:
            done.heard_by(listener).remove(found, force=force, volumes=volumes)


def _agreed(containers: Sequence[Observed], *, force: bool) -> bool:
    """Says what goes; True where the user agrees to that, or said so before."""
    words = f"Going to remove {', '.join(each.name for each in containers)}"
    if force:
        say(words)
        return True
    write(f"? {words} [yN] ")
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    return answer.strip().lower() in {"y", "yes"}

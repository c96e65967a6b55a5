"""``compose cp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define
from dockyard.cli.commands.cp import check, split, transfer
from dockyard.cli.compose import board, options
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_compose
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import argument, option
from dockyard.compose import observe, targets, together
from dockyard.compose.observe import Observed, Stack
from dockyard.compose.progress import Listener, Step
from dockyard.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine

_USAGE = (
    "[OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n"
    "        dockyard compose cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH"
)


@define("compose cp", _USAGE)
@option("--all", "everything", is_flag=True, help="Include containers created by the run command")
@option("-a", "--archive", is_flag=True,
        help="Archive mode (copy all uid/gid information)")  # fmt: skip
@option("-L", "--follow-link", "follow", is_flag=True,
        help="Always follow symbol link in SRC_PATH")  # fmt: skip
@options.index
@argument("source")
@argument("target")
@with_compose
def command(
    engine: Engine,
    flags: Flags,
    source: str,
    target: str,
    *,
    archive: bool,
    everything: bool,
    follow: bool,
    index: int,
) -> None:
    """Copies into all containers of a service, or out of one."""
    check(source, target)
    service = split(source)[0] or split(target)[0] or ""
    stack = observe.observed(engine, projects.name_of(flags))
    found = _chosen(stack, service, index, everything=everything)
    if split(source)[0] is not None:
        found = found[:1]
    if "-" in (source, target):
        _stream(engine, found, (source, target), follow=follow)
        return
    by_id = {each.id: each for each in found}
    with board.shown("Copying", flags) as listener:

        def copy(container_id: str) -> None:
            container = by_id[container_id]
            places = [_place(each, container) for each in (source, target)]
            _tell(listener, container, source, target, done=False)
            if not flags.dry_run:
                transfer(engine, *places, archive=archive, follow=follow, quiet=True)
            _tell(listener, container, source, target, done=True)

        together.at_once(by_id, copy)


def _chosen(stack: Stack, service: str, index: int, *, everything: bool) -> tuple[Observed, ...]:
    """The containers that are meant; those that don't run can be copied from, too."""
    if index:
        return (targets.one(stack, service, index, everything=True, oneoff=False),)
    found = targets.chosen(stack, (service,), oneoff=everything)
    if not found:
        raise NotFound(
            f'no container found for service "{service}"',
            hint=f"services with containers: {', '.join(stack.services) or 'none'}",
        )
    return found


def _stream(
    engine: Engine, found: tuple[Observed, ...], places: tuple[str, str], *, follow: bool
) -> None:
    """A tar stream has one container to come from, or to go to."""
    if len(found) > 1:
        raise InvalidInput(
            "a stream can go to one container only", hint="--index says to which one"
        )
    source, target = (_place(each, found[0]) for each in places)
    transfer(engine, source, target, archive=False, follow=follow, quiet=True)


def _place(text: str, container: Observed) -> str:
    """``CONTAINER:PATH`` for ``SERVICE:PATH``; a path of this host stays."""
    service, path = split(text)
    return text if service is None else f"{container.id}:{path}"


def _tell(listener: Listener, container: Observed, source: str, target: str, *, done: bool) -> None:
    places = [text if split(text)[0] is None else f"{container.name}:{split(text)[1]}"
              for text in (source, target)]  # fmt: skip
    words = f"copy {places[0]} to {places[1]}"
    listener(
        Step(container.name, "Copied", "done", words)
        if done
        else Step(container.name, "Copying", "working", words)
    )

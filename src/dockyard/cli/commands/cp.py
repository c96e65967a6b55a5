"""``cp``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockyard.cli import byte_progress, options, render
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.units import decimal_size
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.observability.progress import Stage

_TO, _FROM = "Copying to container", "Copying from container"
_USAGE = (
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n"
    "        dockyard cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH"
)


@define("cp", _USAGE)
@option("-a", "--archive", is_flag=True,
        help="Archive mode (copy all uid/gid information)")  # fmt: skip
@option("-L", "--follow-link", "follow", is_flag=True,
        help="Always follow symbol link in SRC_PATH")  # fmt: skip
@option("-q", "--quiet", is_flag=True,
        help="Suppress progress output during copy. Progress output is automatically"
        " suppressed if no terminal is attached")  # fmt: skip
@argument("source")
@argument("target")
@with_engine
def command(
    engine: Engine, source: str, target: str, *, archive: bool, follow: bool, quiet: bool
) -> None:
    """Copies files, or a tar stream for ``-``, into a container or out of it."""
    check(source, target)
    transfer(engine, source, target, archive=archive, follow=follow, quiet=quiet)


def transfer(
    engine: Engine, source: str, target: str, *, archive: bool, follow: bool, quiet: bool
) -> None:
    """Copies between ``CONTAINER:PATH`` and a path of this host, or ``-``."""
    origin, from_path = split(source)
    place, to_path = split(target)
    words: dict[Stage, str] = {"copying": _FROM if origin is not None else _TO}
    with byte_progress.shown(words, quiet=quiet) as progress:
        if origin is not None and to_path == "-":
            with options.archive_output(None) as write:
                engine.containers.pack(origin, from_path, write, follow=follow, progress=progress)
            return
        if origin is not None:
            size = engine.containers.copy_from(
                origin, from_path, to_path, follow=follow, keep_owner=archive, progress=progress
            )
        elif from_path == "-":
            size = engine.containers.unpack(
                place or "", sys.stdin.buffer, to_path, progress=progress
            )
        else:
            size = engine.containers.copy_to(
                place or "", from_path, to_path, follow=follow, progress=progress
            )
    if not quiet and sys.stderr.isatty():
        render.print_note(f"Successfully copied {decimal_size(size)} to {target}")


def check(source: str, target: str) -> None:
    """Raises InvalidInput where it isn't one place in a container and one outside, both named."""
    for what, text in (("source", source), ("destination", target)):
        if not text:
            raise InvalidInput(f"{what} can not be empty", hint="the current directory is a dot")
        if not split(text)[1]:
            raise InvalidInput(
                f"bad parameter: the path of the {what} {text} cannot be empty",
                hint=f"the container's root directory is {text}/",
            )
    containers = [split(text)[0] for text in (source, target)]
    if None not in containers:
        raise InvalidInput(
            "copying between containers is not supported",
            hint=f"copy to this host first: dockyard cp {source} DIRECTORY",
        )
    if containers == [None, None]:
        raise InvalidInput(
            "must specify at least one container source",
            hint="a path in a container is CONTAINER:PATH",
        )


def split(text: str) -> tuple[str | None, str]:
    """Container and path of ``CONTAINER:PATH``; ``None`` for a path of this host. Pure.

    A path that begins with a dot or a slash is one of this host, whatever colons it has.
    """
    if text.startswith((".", "/")) or text == "-":
        return None, text
    name, colon, path = text.partition(":")
    return (name, path) if colon and name else (None, text)

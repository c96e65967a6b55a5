"""``build --push`` and outputs that go to a registry: the image that was built is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockyard.build.outputs import Output, Push, names_of
from dockyard.cli import transfer_progress
from dockyard.cli.command import GOES_ON, canceled
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


def asked(
    engine: Engine, tags: Sequence[str], outputs: Sequence[Output], *, flag: bool
) -> dict[str, Push]:
    """What is to be pushed, and how.

    Args:
        tags: what ``-t`` names; an output's own names count where it names nothing.
        flag: ``--push`` was given, which concerns all names.

    Raises:
        InvalidInput: something has no name, or won't be among this root's images; or there is no
            such compression.
    """
    found: dict[str, Push] = {}
    if flag:
        _require_image(outputs)
        found = dict.fromkeys(_required(tags or names_of(outputs)), Push())
    for output in outputs:
        if output.push is not None:
            _check(engine, output.push)
            found |= dict.fromkeys(_required(tags or output.names), output.push)
    return found


def _required(names: Sequence[str]) -> Sequence[str]:
    if not names:
        raise InvalidInput(
            "tag is needed when pushing to registry", hint="-t HOST/REPOSITORY:TAG", exit_code=1
        )
    return names


def _require_image(outputs: Sequence[Output]) -> None:
    if outputs and all(output.kind != "image" for output in outputs):
        raise InvalidInput(
            "push and --output contradict each other: the image goes elsewhere",
            hint="add --output type=image, or push it when it is loaded",
        )


def _check(engine: Engine, how: Push) -> None:
    """Raises :class:`InvalidInput` before the build where a compression doesn't exist."""
    from dockyard.registry.compress import Compression

    Compression.chosen(how.compression or engine.config.compression, how.level)


def push(engine: Engine, wanted: dict[str, Push], *, quiet: bool) -> None:
    """Pushes each tag; the progress goes to standard error."""
    for tag, how in wanted.items():
        try:
            with transfer_progress.shown(quiet=quiet) as listener:
                engine.push(tag, compression=how.compression, level=how.level, listener=listener)
        except KeyboardInterrupt:
            raise canceled("push", kept=GOES_ON) from None

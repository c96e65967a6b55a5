"""Commands that are run in a container after its start, before its stop, or after a sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dockyard.compose import targets
from dockyard.compose.logs import Line
from dockyard.compose.model.parts import Hook
from dockyard.compose.observe import Observed
from dockyard.containers import piped
from dockyard.containers.exec import ExecOptions
from dockyard.errors import DockyardError

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

Printed = Callable[[Line], object]


def run(
    engine: Engine,
    container: Observed,
    hooks: Iterable[Hook],
    printed: Printed | None = None,
) -> None:
    """Runs the commands, one after another, to their ends.

    Args:
        printed: gets what they print, line by line; nobody does where ``None``.

    Raises:
        DockyardError: one can't be run, or ends with another code than 0.
    """
    for hook in hooks:
        code, text = piped.execute(engine.containers, container.id, _options(hook), None, None)
        if printed is not None:
            name = f"{targets.short_name(container)} ->"
            for line in text.splitlines():
                printed(Line(name, line.encode()))
        if code != 0:
            last = "\n".join(text.splitlines()[-5:])
            raise DockyardError(
                f"{container.service} hook exited with status {code}",
                context=last or None,
                hint=f"the command was: {' '.join(hook.command or ())}",
            )


def _options(hook: Hook) -> ExecOptions:
    return ExecOptions(
        command=hook.command or (),
        env=tuple(f"{name}={value}" for name, value in hook.environment.items()
                  if value is not None),
        user=hook.user or None,
        working_dir=hook.working_dir or None,
        privileged=hook.privileged,
    )  # fmt: skip

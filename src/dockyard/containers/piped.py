"""A command in a container whose streams are in the hands of a Python program."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from dockyard.containers.attach import Sink
from dockyard.containers.exec import ExecOptions
from dockyard.system.collector import Collector
from dockyard.system.feeder import Feeder

if TYPE_CHECKING:
    from dockyard.containers.apply import Containers


def execute(
    containers: Containers,
    name: str,
    options: ExecOptions,
    stdin: int | bytes | None,
    output: Sink | None,
) -> tuple[int, str]:
    """Runs a command in a container; its exit code, and what it printed where nobody takes it.

    Args:
        stdin: a descriptor, or all that the command can read.
        output: gets 1 or 2 and bytes as they come, from a thread for each.
    """
    pieces: list[bytes] = []
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(Feeder(stdin)) if isinstance(stdin, bytes) else stdin
        if output is None:
            stdout = stderr = stack.enter_context(Collector(pieces.append))
        else:
            stdout = stack.enter_context(Collector(functools.partial(output, 1)))
            stderr = stack.enter_context(Collector(functools.partial(output, 2)))
        code = containers.execute(name, options, stdin=source, stdout=stdout, stderr=stderr)
    return code, b"".join(pieces).decode(errors="replace")

"""``attach``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.foreground import EVERYTHING, OUTPUT, require_terminal, streams
from dockyard.cli.line import argument, option
from dockyard.cli.run_flags import console
from dockyard.containers.detach import parse_keys

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("attach", "[OPTIONS] CONTAINER")
@console.detach_keys
@option("--no-stdin", is_flag=True, help="Do not attach STDIN")
@console.sig_proxy
@argument("name")
@with_engine
def command(
    engine: Engine, name: str, *, detach_keys: bytes | None, no_stdin: bool, sig_proxy: bool
) -> int:
    """Connects to a container until it ends; the exit code is the program's."""
    return attach(engine, name, keys=detach_keys, no_stdin=no_stdin, sig_proxy=sig_proxy)


def attach(
    engine: Engine, name: str, *, keys: bytes | None, no_stdin: bool, sig_proxy: bool
) -> int:
    """Connects this process's streams to a container's until it ends; the program's exit code.

    Args:
        keys: those that leave a terminal; Docker's where ``None``.
    """
    container = engine.containers.get(name)
    of_container = container.options.console
    stdin = of_container.interactive and not no_stdin
    if container.running and of_container.tty and stdin:
        require_terminal()
    attached = streams(
        EVERYTHING if stdin else OUTPUT,
        tty=of_container.tty,
        proxy=sig_proxy and not of_container.tty,
        keys=keys or parse_keys(""),
    )
    return engine.containers.attach(container.id, attached).exit_code

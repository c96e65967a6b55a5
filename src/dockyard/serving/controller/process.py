"""The controller's program.

Run as a script by an isolated Python without site packages. Arguments: library directories joined
by ``:``, root and run.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a script begins without its libraries
    from collections.abc import Callable

    from dockyard.config import Config


def main(arguments: list[str]) -> None:
    """Serves one root until SIGTERM."""
    libraries, root, run = arguments
    os.chdir("/")
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what the caller had open is none of ours
    sys.path[:0] = libraries.split(":")
    from dockyard.config import of_root

    serve(of_root(root, run))


def serve(config: Config) -> None:
    """Is the controller of one root."""
    import asyncio

    asyncio.run(_serve(config))


async def _serve(config: Config) -> None:
    import asyncio
    import signal

    from dockyard.engine import Engine
    from dockyard.serving import metrics, sight
    from dockyard.serving.controller.fronting import Fronting
    from dockyard.serving.controller.holding import Holding
    from dockyard.serving.controller.loop import Controller
    from dockyard.serving.controller.reporter import Reporter
    from dockyard.serving.controller.scrape import Scrape
    from dockyard.serving.places import Serving

    loop = asyncio.get_running_loop()
    reporter = Reporter()
    with Engine(config, warn=lambda text: reporter.trouble("engine", text)) as engine:
        serving = Serving(engine.paths)
        gateway = Fronting(serving, reporter)
        controller = Controller(engine, gateway, Holding(serving), reporter, serving)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, controller.stop)
        pipe = os.open(serving.wake, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        loop.add_reader(pipe, _drain, pipe, controller.wake)
        scrape = Scrape(config.metrics_listen, lambda: metrics.page(sight.look(engine)), reporter)
        await scrape.begin()
        try:
            await controller.run()
        finally:
            await scrape.end()
            loop.remove_reader(pipe)
            os.close(pipe)


def _drain(pipe: int, wake: Callable[[], None]) -> None:
    import contextlib

    with contextlib.suppress(BlockingIOError):
        while os.read(pipe, 1 << 12):
            pass
    wake()


if __name__ == "__main__":
    main(sys.argv[1:])

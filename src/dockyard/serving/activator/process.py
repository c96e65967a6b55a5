"""The activator's program.

Run as a script by an isolated Python without site packages. Arguments: library directories joined
by ``:``, and the path of ``targets.json``.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    """Serves one root until SIGTERM."""
    libraries, targets = arguments
    os.chdir("/")
    os.umask(0o077)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what the caller had open is none of ours
    sys.path[:0] = libraries.split(":")
    from dockyard.serving.activator.server import run

    run(targets)


if __name__ == "__main__":
    main(sys.argv[1:])

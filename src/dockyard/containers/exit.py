"""The monitor's exit command: cleans up after a container that nobody waits for.

Run as a script by an isolated Python without site packages. It begins with the lock alone, since
a foreground command usually did the work meanwhile; only if something is left to do does it
import the engine.

Arguments: library directories joined by ``:``, root, run, container id.
"""

import fcntl
import os
import sys


def main(arguments: list[str]) -> None:
    """Waits for the container's lock, then concludes what is left of it."""
    libraries, root, run, container_id = arguments
    path = f"{run}/locks/c-{container_id}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.close(descriptor)
    if not os.path.exists(f"{run}/containers/{container_id}"):
        return
    sys.path[:0] = libraries.split(":")
    from dockyard.config import of_root
    from dockyard.engine import Engine

    Engine(of_root(root, run)).close()


if __name__ == "__main__":
    main(sys.argv[1:])

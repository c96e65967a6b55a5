"""The monitor's exit command: starts a program again that ended though it is to run.

Run as a script by an isolated Python without site packages.

Arguments: library directories joined by ``:``, root, run, the program's name.
"""

import sys


def main(arguments: list[str]) -> None:
    """Waits as long as is due after so many ends, and starts it."""
    libraries, root, run, name = arguments
    sys.path[:0] = libraries.split(":")
    from dockyard.serving.supervise import apply
    from dockyard.state.paths import Paths

    apply.ended(Paths(root, run), name)


if __name__ == "__main__":
    main(sys.argv[1:])

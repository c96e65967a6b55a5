"""What conmon takes for its OCI runtime: ``create`` starts the program of a bundle.

Run as a script by an isolated Python without site packages. The program has conmon for its
parent, and the streams that conmon gave.

Arguments: library directories joined by ``:``, then what conmon says.
"""

import json
import os
import sys

_FAILED = 127


def main(arguments: list[str]) -> int:
    """Starts the program; why it can't be started goes to standard error, where conmon reads."""
    libraries, *arguments = arguments
    if "create" not in arguments:
        return 0
    bundle = arguments[arguments.index("--bundle") + 1]
    pid_file = arguments[arguments.index("--pid-file") + 1]
    with open(f"{bundle}/program.json", encoding="utf-8") as stream:
        program = json.load(stream)
    read, write = os.pipe()  # closed by the execution
    pid = os.fork()
    if pid == 0:
        _execute(program, libraries, write)
    os.close(write)
    problem = os.read(read, 1 << 12)
    if problem:
        sys.stderr.write(problem.decode(errors="replace"))
        return 1
    with open(pid_file, "w", encoding="ascii") as stream:
        stream.write(str(pid))
    return 0


def _execute(program: dict[str, object], libraries: str, write: int) -> None:
    argv = program["argv"]
    env = program["env"]
    assert isinstance(argv, list)  # noqa: S101  # for the type checker
    assert isinstance(env, dict)  # noqa: S101  # for the type checker
    kept = program.get("capabilities")
    try:
        os.setsid()
        if isinstance(kept, list):
            sys.path[:0] = libraries.split(":")
            from dockyard.system.confine import confine

            confine(kept)
        os.execve(argv[0], argv, env)  # noqa: S606  # that is what it is for
    except OSError as error:
        os.write(write, f"{argv[0]}: {error.strerror}".encode())
    os._exit(_FAILED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

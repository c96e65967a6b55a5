"""Running other programs: found or explained, checked, with their last words in the error."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import msgspec

from dockyard.errors import ComponentFailed, ComponentMissing

_SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
                "/usr/lib/podman", "/usr/libexec/podman", "/usr/libexec/catatonit")  # fmt: skip
_LAST_WORDS = 2000


class Completed(msgspec.Struct, frozen=True):
    """A program that ended."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


def find(program: str) -> str | None:
    """The absolute path of ``program``, also where ``PATH`` lacks the sbin directories."""
    if "/" in program:
        return program if os.access(program, os.X_OK) else None
    for directory in (*os.environ.get("PATH", "").split(":"), *_SEARCH_PATH):
        path = f"{directory}/{program}"
        if directory and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def require(program: str) -> str:
    """The absolute path of ``program``.

    Raises:
        ComponentMissing: it is not installed; the hint says how to get it.
    """
    path = find(program)
    if path is None:
        raise ComponentMissing(
            f"{program} is not installed",
            hint=f"install it (apt-get install {_package(program)}); dockyard doctor lists all",
        )
    return path


def run(
    argv: Sequence[str],
    *,
    input: bytes | str | None = None,  # noqa: A002  # the name that subprocess.run has
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
    check: bool = True,
) -> Completed:
    """Runs a program to its end and keeps what it printed.

    Args:
        argv: the program (looked up with :func:`require`) and its arguments; never a shell.
        input: its standard input; nothing where ``None``.
        timeout: seconds after which it is killed and :class:`ComponentFailed` raised.
        check: raise :class:`ComponentFailed` when it exits with another code than 0.

    Raises:
        ComponentMissing: the program is not installed.
        ComponentFailed: see ``check`` and ``timeout``; the context is the command to run again.
    """
    command = [require(argv[0]), *argv[1:]]
    data = input.encode() if isinstance(input, str) else input
    try:
        done = subprocess.run(
            command,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            env=env,
            cwd=cwd,
            timeout=timeout,
            pass_fds=pass_fds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ComponentFailed(
            f"{argv[0]} did not finish within {timeout:g} seconds",
            context=shlex.join(command),
            hint="is the host overloaded, or a disk stuck? try again",
        ) from error
    result = Completed(done.returncode, done.stdout, done.stderr)
    if check and done.returncode != 0:
        raise failure(command, result)
    return result


def isolated_python(script: str, *arguments: str) -> list[str]:
    """The call of a script of ours by this Python, with as little as possible.

    It starts without site packages: its first argument is the directories of the libraries.
    """
    import dockyard

    libraries = (dockyard.__file__, msgspec.__file__)
    places = ":".join(os.path.dirname(os.path.dirname(path)) for path in libraries)
    return [sys.executable, "-I", "-S", script, places, *arguments]


def passed_on() -> dict[str, str]:
    """Of the environment what a program of ours that outlives this one needs.

    It is what finds programs and the user's runtime directory, and Dockyard's own settings.
    """
    return {name: value for name, value in os.environ.items()
            if name in {"PATH", "XDG_RUNTIME_DIR"} or name.startswith("DOCKYARD_")}  # fmt: skip


def detach(argv: Sequence[str]) -> int:
    """Starts a program that outlives this one, in a session of its own; its process number.

    It has no streams, and the environment of :func:`passed_on`. The caller waits for it
    (:func:`os.waitpid`) if it lives on itself.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        return os.posix_spawn(
            argv[0], list(argv), passed_on(), setsid=True, setsigmask=(),
            file_actions=[(os.POSIX_SPAWN_DUP2, null, stream) for stream in range(3)],
            setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE),
        )  # fmt: skip
    finally:
        os.close(null)


def failure(command: Sequence[str], result: Completed) -> ComponentFailed:
    """The error for a program that exited with a code other than 0."""
    words = (result.stderr or result.stdout).decode(errors="replace").strip()[-_LAST_WORDS:]
    program = os.path.basename(command[0])
    return ComponentFailed(
        f"{program}: {words}" if words else f"{program} exited with code {result.code}",
        context=shlex.join(command),
        hint="the context is what was called; dockyard doctor looks after this host",
    )


def _package(program: str) -> str:
    return {"nft": "nftables", "ip": "iproute2", "mount": "util-linux"}.get(program, program)

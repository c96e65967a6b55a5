"""Whether a program can be found in a container, in Docker's words where it can't.

Runtimes, and an init, print their own words to the program's standard error before they fail.
Looking first gives one message, and the same one whatever the runtime.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence

from dockyard.errors import RunError
from dockyard.system import syscalls

NOT_FOUND = 127
NOT_EXECUTABLE = 126
DIRECTORY_HINT = "the command has to begin with a program, and this is a directory"
_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_HINT = "is the program in the image, and in its PATH?"


def require(pid: int, command: Sequence[str], environment: Sequence[str], directory: str) -> None:
    """Refuses what can't be executed; what can't be told is left to the runtime.

    Args:
        pid: a process of the container, whose files are looked at.
        environment: of the program; its PATH counts.
        directory: where the program starts.

    Raises:
        RunError: there is no such program (127) or directory (127), or it isn't executable (126).
    """
    root = _open_root(f"/proc/{pid}/root")
    if root is None:
        return
    try:
        _require_directory(root, directory)
        _require_program(root, command[0], environment, directory, "exec failed")
    finally:
        os.close(root)


def require_program(
    pid: int, name: str, environment: Sequence[str], directory: str, failed: str
) -> None:
    """As :func:`require`, of a container that is created; ``failed`` begins the message."""
    root = _open_root(f"/proc/{pid}/root")
    if root is None:
        return
    try:
        _require_program(root, name, environment, directory, failed)
    finally:
        os.close(root)


def is_directory(rootfs: str, path: str) -> bool:
    """Whether a path is a directory in a root filesystem, whatever symlinks that has."""
    root = _open_root(rootfs)
    if root is None:
        return False
    try:
        mode = _mode(root, path)
    finally:
        os.close(root)
    return mode is not None and stat.S_ISDIR(mode)


def _open_root(path: str) -> int | None:
    try:
        return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None


def _require_directory(root: int, directory: str) -> None:
    mode = _mode(root, directory)
    if mode is None or not stat.S_ISDIR(mode):
        why = "no such file or directory" if mode is None else "not a directory"
        raise RunError(
            f'exec failed: chdir to cwd ("{directory}") failed: {why}',
            hint="-w names the directory to start in",
            exit_code=NOT_FOUND,
        )


def _require_program(
    root: int, name: str, environment: Sequence[str], directory: str, failed: str
) -> None:
    if "/" not in name:
        if not any(_runs(_mode(root, path)) for path in _candidates(name, environment, directory)):
            raise _refusal(failed, name, "executable file not found in $PATH", NOT_FOUND)
        return
    mode = _mode(root, posixpath.join(directory, name))
    if mode is None:
        raise _refusal(failed, name, "no such file or directory", NOT_FOUND)
    if stat.S_ISDIR(mode):
        raise RunError(
            f'{failed}: "{name}": is a directory: permission denied',
            hint=DIRECTORY_HINT,
            exit_code=NOT_EXECUTABLE,
        )
    if not _runs(mode):
        raise _refusal(failed, name, "permission denied", NOT_EXECUTABLE)


def _candidates(name: str, environment: Sequence[str], directory: str) -> list[str]:
    path = next((entry[5:] for entry in reversed(environment) if entry.startswith("PATH=")), "")
    return [posixpath.join(directory, part or ".", name) for part in path.split(":")]


def _runs(mode: int | None) -> bool:
    return mode is not None and not stat.S_ISDIR(mode) and bool(mode & _EXECUTABLE)


def _mode(root: int, path: str) -> int | None:
    """The mode of a file in the container, whatever symlinks it has; ``None`` for none."""
    try:
        found = syscalls.openat2(
            root, path, os.O_PATH | os.O_CLOEXEC, resolve=syscalls.RESOLVE_IN_ROOT
        )
    except OSError:
        return None
    try:
        return os.fstat(found).st_mode
    finally:
        os.close(found)


def _refusal(failed: str, name: str, why: str, code: int) -> RunError:
    hint = _HINT if code == NOT_FOUND else "is the file executable, and made for this processor?"
    return RunError(f'{failed}: "{name}": {why}', hint=hint, exit_code=code)

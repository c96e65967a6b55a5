"""The files that secrets and configs of projects are written to, below the root.

They are bound read-only into containers, so they stay until ``down``. Only root comes at them:
the directories above are the root's own.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable
from typing import Final

from dockyard.compose.desired.files import Room, WrittenFile
from dockyard.compose.project_name import checked
from dockyard.state.paths import Paths, make_directory, unusable
from dockyard.system.files import write_atomically

_KEY_BYTES: Final = 32
_OURS: Final = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{8})?")
"""Files that are written here, and such that were about to be."""


def room(paths: Paths, project: str) -> Room:
    """Where the files of a project are, and the key by which they are named.

    Raises:
        InvalidInput: no project can have that name.
        StateError: the key can't be read or made.
    """
    return Room(f"{_projects(paths)}/{checked(project)}", _key(paths))


def _projects(paths: Paths) -> str:
    return f"{paths.root}/compose"


def _key(paths: Paths) -> bytes:
    """Made once; whoever is first wins."""
    path = f"{_projects(paths)}/.key"
    try:
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as stream:
            return stream.read()
        make_directory(_projects(paths))
        fresh = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
        write_atomically(fresh, os.urandom(_KEY_BYTES))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(fresh)
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise unusable(path, error) from error


def write(room: Room, files: Iterable[WrittenFile]) -> None:
    """Writes those that aren't there; one that is there has what its name says.

    Raises:
        StateError: one can't be written.
    """
    for each in files:
        if os.path.exists(each.path):
            continue
        make_directory(os.path.dirname(room.directory))
        make_directory(room.directory)
        try:
            _write(each)
        except OSError as error:
            raise unusable(each.path, error) from error


def _write(each: WrittenFile) -> None:
    """Under another name first: what has the name is complete, with its rights."""
    fresh = f"{each.path}.{os.urandom(4).hex()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(each.content)
            stream.flush()
            os.fchown(descriptor, each.uid, each.gid)
            os.fchmod(descriptor, each.mode)
            os.fsync(descriptor)
        os.rename(fresh, each.path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        raise


def sweep(room: Room, used: Collection[str]) -> None:
    """Removes the files that no container has any more, and the directory with the last one.

    Args:
        used: the sources of all mounts of the project's containers.
    """
    if not os.path.isdir(room.directory):
        return
    for each in os.scandir(room.directory):
        ours = _OURS.fullmatch(each.name) and each.is_file(follow_symlinks=False)
        if ours and each.path not in used:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(each.path)
    with contextlib.suppress(OSError):  # something is left in it
        os.rmdir(room.directory)

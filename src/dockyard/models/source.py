"""The files that a model is packed from: a directory such as a Hugging Face snapshot, or files."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence

import msgspec

from dockyard.errors import DockyardError, HostileInput, InvalidInput, NotFound, PermissionMissing
from dockyard.models import naming

_SKIPPED = frozenset({"__pycache__"})
_MOST_DEPTH = 64
_SNAPSHOTS = "snapshots"


class SourceFile(msgspec.Struct, frozen=True):
    """A file to pack."""

    path: str
    """In the model."""
    place: str
    """On this host."""
    roots: tuple[str, ...] = ()
    """Directories below which its content must lie; anywhere where there are none."""


def gather(paths: Sequence[str]) -> tuple[SourceFile, ...]:
    """The files that a user means: those of one directory, or each by itself; sorted by path.

    Of a directory, what begins with a dot and Python's caches are left out. Links to files are
    followed, but out of the directory only into the cache of a Hugging Face snapshot.

    Raises:
        NotFound, InvalidInput: nothing is there, or what is there is no file, or a link leads
            elsewhere.
    """
    if len(paths) == 1 and os.path.isdir(paths[0]):
        _require_no_cache(paths[0])
        found = list(_walk(paths[0]))
    else:
        found = [_named(path) for path in paths]
    if not found:
        raise InvalidInput(f"there is no file in {paths[0] if paths else 'nothing'}",
                           hint="files that begin with a dot are left out")  # fmt: skip
    found.sort(key=lambda one: one.path)
    try:
        naming.check_paths(naming.check_path(one.path) for one in found)
    except HostileInput as error:
        raise InvalidInput(error.message, hint="rename that file, or give a directory") from error
    return tuple(found)


def _require_no_cache(directory: str) -> None:
    """Refuses the cache of a repository of Hugging Face's: it has each file twice, and old ones."""
    if all(os.path.isdir(f"{directory}/{name}") for name in ("blobs", "refs", _SNAPSHOTS)):
        found = sorted(os.listdir(f"{directory}/{_SNAPSHOTS}"))
        raise InvalidInput(
            f"{directory} is a cache with {len(found)} snapshots of a model",
            hint="name one of them: "
            + (f"{directory}/{_SNAPSHOTS}/{found[0]}" if found else "there is none yet"),
        )


def _named(path: str) -> SourceFile:
    if os.path.isdir(path):
        raise InvalidInput(f"{path} is a directory", hint="give one directory, or files alone")
    if not os.path.lexists(path):
        raise NotFound(f"no such file: {path}", hint="name a directory with the model's files, or"
                       " the files")  # fmt: skip
    return SourceFile(os.path.basename(path), path)


def _walk(top: str) -> Iterator[SourceFile]:
    real = os.path.realpath(top)
    roots: tuple[str, ...] = (real,)
    parent, cache = os.path.split(os.path.dirname(real))
    if cache == _SNAPSHOTS:
        roots += (f"{parent}/blobs",)
    pending = [""]
    while pending:
        directory = pending.pop()
        if directory.count("/") > _MOST_DEPTH:
            raise InvalidInput(f"{top}/{directory} is too deep", hint="is it a model's directory?")
        for entry in _entries(f"{real}/{directory}"):
            path = f"{directory}{entry.name}"
            if entry.name.startswith(".") or entry.name in _SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{path}/")
            else:
                yield SourceFile(path, f"{real}/{path}", roots)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as scan:
            return list(scan)
    except OSError as error:
        raise _unreadable(directory, error) from error


@contextlib.contextmanager
def opened(file: SourceFile) -> Iterator[int]:
    """A descriptor of a file's content.

    Where a link leads is looked at when it is open: nobody can change it afterwards.

    Raises:
        InvalidInput: it is no file, or lies outside its directories.
        PermissionMissing, NotFound: it can't be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(file.place, flags)
    except OSError as error:
        raise _unreadable(file.place, error) from error
    try:
        _check(file, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _check(file: SourceFile, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise InvalidInput(
            f"{file.place} is no file",
            hint="a link to a directory, a pipe or a device can't be packed: copy what is meant",
        )
    real = os.readlink(f"/proc/self/fd/{descriptor}")
    if file.roots and not any(real.startswith(f"{root}/") for root in file.roots):
        raise InvalidInput(
            f"{file.place} leads out of its directory, to {real}",
            hint="copy that file into the directory, or give the files by name",
        )


def _unreadable(path: str, error: OSError) -> DockyardError:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PermissionMissing(f"cannot read {path}", hint="as root, or after chmod")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
        return NotFound(f"{path} is not there, or a link that leads nowhere",
                        hint="was the download complete?")  # fmt: skip
    return InvalidInput(f"cannot read {path}: {error.strerror}", hint="look at the disk it is on")

"""Build contexts that are no directory of this host: a repository, an archive, standard input.

They are put into a workspace that goes with the build. What they hold is hostile: their
Dockerfile and ``.dockerignore`` are read without leaving them, and copied beside.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from dockyard.build.remote import address
from dockyard.build.remote.address import Git, Web
from dockyard.build.solver import Cancellation
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import BuildError, InvalidInput
from dockyard.images import untar
from dockyard.images.tarreader import is_archive
from dockyard.state.paths import unusable
from dockyard.state.room import Room
from dockyard.system import syscalls

_CHUNK_BYTES = 1 << 20
_DOCKERFILE = "Dockerfile"
_MAX_TEXT_BYTES = 8 << 20
_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS


class Prepared(msgspec.Struct, frozen=True):
    """A context as a directory, and the path of its Dockerfile."""

    directory: str
    dockerfile: str | None


@contextlib.contextmanager
def prepared(
    parts: Parts,
    context: str | BinaryIO,
    dockerfile: str | BinaryIO | None,
    *,
    keep_git_dir: bool = False,
) -> Iterator[Prepared]:
    """The context of a build, as long as the build lasts.

    Args:
        context: a directory, an address, or a stream that has an archive or a Dockerfile.
        dockerfile: its path, relative to a remote context's top; or a stream that has it.

    Raises:
        DockyardError: it can't be had.
    """
    remote = _remote(context) if isinstance(context, str) else None
    if isinstance(context, str) and remote is None:
        directory = os.path.abspath(context)
        if dockerfile is None or isinstance(dockerfile, str):
            yield Prepared(directory, dockerfile)
            return
        with Workspace(parts, "the Dockerfile of a build") as workspace:
            path = f"{workspace.path}/{_DOCKERFILE}"
            _write(path, dockerfile.read(_MAX_TEXT_BYTES + 1))
            yield Prepared(directory, path)
        return
    with Workspace(parts, "the context of a build") as workspace:
        top = workspace.upper
        if isinstance(remote, Git):
            _check_out(remote, workspace, keep_git_dir=keep_git_dir)
            own = None
        else:
            own = _unpack(_packed(context, remote, workspace), top)
        yield Prepared(top, _dockerfile(workspace, dockerfile, own))


def _remote(text: str) -> Git | Web | None:
    """The address that a context is; ``None`` for a directory."""
    if os.path.isdir(text):
        return None
    if not (address.is_remote(text) or text.startswith(address.GITHUB)):
        return None
    try:
        return address.parse_context(text)
    except BuildError as error:
        raise InvalidInput(error.message, hint=error.hint) from error


def _check_out(remote: Git, workspace: Workspace, *, keep_git_dir: bool) -> None:
    from dockyard.build.remote import git

    wanted = msgspec.structs.replace(remote, keep_git_dir=remote.keep_git_dir or keep_git_dir)
    uninterrupted = Cancellation()  # before the steps, Ctrl-C ends this thread's work by itself
    commit = git.resolve(wanted, uninterrupted)
    git.checkout(wanted, commit, workspace.path, workspace.upper, uninterrupted)


def _packed(context: str | BinaryIO, remote: Web | None, workspace: Workspace) -> str:
    """What comes from a stream or the web, as a file."""
    place = f"{workspace.path}/packed"
    os.mkdir(place, 0o700)
    if remote is not None:
        from dockyard.build.remote import http

        http.download(remote, place, Cancellation())
        return f"{place}/{remote.name}"
    path = f"{place}/stdin"
    assert not isinstance(context, str)  # noqa: S101  # a stream, or remote would be set
    room = Room(place)
    try:
        with open(path, "wb") as target:
            while chunk := context.read(_CHUNK_BYTES):
                room.check("the context")
                target.write(chunk)
    except OSError as error:
        raise unusable(path, error) from error
    return path


def _unpack(path: str, top: str) -> bytes | None:
    """Extracts an archive; the content of what is none, which then is a Dockerfile."""
    if is_archive(path):
        with open(path, "rb") as stream:
            untar.extract(stream, top, whiteouts=False, devices=False)
        return None
    with open(path, "rb") as stream:
        return stream.read(_MAX_TEXT_BYTES + 1)


def _dockerfile(workspace: Workspace, wanted: str | BinaryIO | None, own: bytes | None) -> str:
    """Copies Dockerfile and ignore file of a hostile context beside it; the copy's path."""
    name = wanted if isinstance(wanted, str) else _DOCKERFILE
    copies = f"{workspace.path}/dockerfile"
    os.mkdir(copies, 0o700)
    path = f"{copies}/{os.path.basename(name) or _DOCKERFILE}"
    if own is None and wanted is not None and not isinstance(wanted, str):
        own = wanted.read(_MAX_TEXT_BYTES + 1)
    text = own if own is not None else _read_inside(workspace.upper, name)
    if text is None:
        raise InvalidInput(
            f"failed to read dockerfile: open {name}: no such file or directory",
            hint="-f names it, relative to the top of the context",
            reference="no-dockerfile",
        )
    ignored = _read_inside(workspace.upper, f"{name}.dockerignore")
    if ignored is None:
        ignored = _read_inside(workspace.upper, ".dockerignore")
    _write(path, text)
    _write(f"{path}.dockerignore", ignored or b"")
    return path


def _read_inside(directory: str, path: str) -> bytes | None:
    """A file of a hostile directory; ``None`` where there is none."""
    root = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK
        descriptor = syscalls.openat2(root, path.lstrip("/"), flags, resolve=_RESOLVE)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}:
            return None
        raise unusable(path, error) from error
    finally:
        os.close(root)
    with open(descriptor, "rb") as stream:
        if not os.path.isfile(f"/proc/self/fd/{stream.fileno()}"):
            return None
        return stream.read(_MAX_TEXT_BYTES + 1)


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise unusable(path, error) from error

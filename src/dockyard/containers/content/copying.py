"""``cp``: files between this host and a container, or a container and a tar stream."""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from collections.abc import Iterator
from typing import BinaryIO

from dockyard.containers.content import copy_plan, place
from dockyard.containers.content.copy_plan import Destination, Source, Target
from dockyard.containers.content.rooted import Rooted
from dockyard.containers.content.tar_in import unpack
from dockyard.containers.content.tar_out import TarOut, Write
from dockyard.containers.content.transfer import Transfer
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import (
    ContentMismatch,
    DiskFull,
    HostileInput,
    InvalidInput,
    NotFound,
    PermissionMissing,
)
from dockyard.images.growth import Growth
from dockyard.observability.progress import Counted, Counter, Listener, counted, size_of

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def copy_in(
    parts: Parts,
    container: Container,
    source: str,
    target: str,
    *,
    follow: bool = False,
    progress: Listener | None = None,
) -> int:
    """Copies a file or directory of this host into a container, with its owners and times.

    Args:
        target: a path in the container; relative to its root.
        follow: copy what a symlink names instead of the symlink.
        progress: hears how many bytes are copied.

    Returns:
        The bytes of the files copied.

    Raises:
        NotFound, InvalidInput: there is no such source or directory, or it is of another kind.
        PermissionMissing: the container's root is read-only there.
    """
    with Rooted() as here, place.entered(parts, container, f"cp {container.id}") as there:
        inside = _Inside(container)
        copied = _copy(_Side(here, source), _Side(there, _absolute(target), inside),
                       progress, keep_owner=True, follow=follow)  # fmt: skip
    parts.store.tell(event(container, "extract-to-dir", path=target))
    return copied


def copy_out(
    parts: Parts,
    container: Container,
    source: str,
    target: str,
    *,
    follow: bool = False,
    keep_owner: bool = False,
    progress: Listener | None = None,
) -> int:
    """Copies a file or directory of a container to this host; see :func:`copy_in`.

    Args:
        keep_owner: keep user and group, which otherwise become this process's.
    """
    with Rooted() as here, place.entered(parts, container, f"cp {container.id}") as there:
        inside = _Inside(container)
        copied = _copy(_Side(there, _absolute(source), inside), _Side(here, target),
                       progress, keep_owner=keep_owner, follow=follow)  # fmt: skip
    parts.store.tell(event(container, "archive-path", path=source))
    return copied


def pack_out(
    parts: Parts,
    container: Container,
    source: str,
    write: Write,
    *,
    follow: bool = False,
    progress: Listener | None = None,
) -> None:
    """Writes a file or directory of a container as a tar stream; see :func:`copy_in`."""
    with place.entered(parts, container, f"cp {container.id}") as there:
        side = _Side(there, _absolute(source), _Inside(container))
        with side.source(follow=follow) as (descriptor, what):
            archive = TarOut(counted(write, Counter(progress, "copying")))
            archive.tree(descriptor, "." if what.contents_only else what.name)
            archive.end()
    parts.store.tell(event(container, "archive-path", path=source))


def unpack_in(
    parts: Parts,
    container: Container,
    stream: BinaryIO,
    target: str,
    progress: Listener | None = None,
) -> int:
    """Unpacks a tar stream into a directory of a container; the bytes of its files.

    Args:
        progress: hears how many bytes of the stream were read.

    Raises:
        InvalidInput: there is no such directory.
    """
    path = _absolute(target)
    with place.entered(parts, container, f"cp {container.id}") as there:
        try:
            directory = there.open(path, _DIRECTORY)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InvalidInput(
                f'destination "{container.name}:{target}" must be a directory',
                hint="a tar stream is unpacked into a directory that is there",
            ) from error
        try:
            with _explained(container.name):
                counter = Counter(progress, "copying", size_of(stream))
                growth = Growth(f"/proc/self/fd/{directory}")
                size = unpack(Counted(stream, counter), there, path, growth)
        except (ContentMismatch, HostileInput) as error:
            if error.hint == error.default_hint:
                error.hint = (
                    f"what comes before it in the archive is in {container.name} already;"
                    " get the archive from its source again"
                )
            raise
        finally:
            os.close(directory)
    parts.store.tell(event(container, "extract-to-dir", path=target))
    return size


class _Inside:
    """How a container's missing paths are told of."""

    def __init__(self, container: Container) -> None:
        self.name = container.name

    def missing(self, path: str) -> NotFound:
        return NotFound(
            f"could not find the file {path} in container {self.name}",
            hint="paths of a container begin at its root directory",
        )


class _Side:
    """One end of a copy: a path below a root."""

    def __init__(self, rooted: Rooted, path: str, inside: _Inside | None = None) -> None:
        self._rooted = rooted
        self._path = path
        self._inside = inside

    @contextlib.contextmanager
    def source(self, *, follow: bool) -> Iterator[tuple[int, Source]]:
        """A descriptor of what is copied, and what it is."""
        directory = copy_plan.asserts_directory(self._path)
        try:
            found = self._rooted.find(self._path, follow=follow or directory)
        except NotADirectoryError as error:
            raise InvalidInput(
                f"lstat {self._path}: not a directory",
                hint="leave out the / at its end to copy the file",
            ) from error
        if found is None:
            raise self._missing(self._path)
        try:
            is_directory = stat.S_ISDIR(os.fstat(found).st_mode)
            name = copy_plan.source_name(self._path)
            contents = copy_plan.contents_only(self._path)
            yield found, Source(name, is_directory, contents_only=contents)
        finally:
            os.close(found)

    def destination(self) -> Destination:
        """What is there; a symlink stands for what it names, even if that isn't there yet."""
        must = copy_plan.asserts_directory(self._path)
        try:
            path = self._path if must else self._rooted.resolve_last(self._path)
            found = self._rooted.find(path, follow=True)
        except NotADirectoryError:
            return Destination(self._path, exists=True, must_be_directory=must)
        if found is None:
            return Destination(path, exists=False, must_be_directory=must)
        try:
            is_directory = stat.S_ISDIR(os.fstat(found).st_mode)
        finally:
            os.close(found)
        return Destination(path, True, is_directory, must)

    def directory(self, target: Target) -> int:
        """A descriptor of the directory to write in."""
        try:
            return self._rooted.open(target.directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError as error:
            if self._inside is not None:
                raise self._missing(target.directory) from error
            where = os.path.abspath(target.directory)
            raise InvalidInput(
                f'invalid output path: directory "{where}" does not exist',
                hint="make the directory first, or copy to one that is there",
            ) from error
        except NotADirectoryError as error:
            raise InvalidInput(
                f"{target.directory} is not a directory",
                hint="name a directory, or a path below one",
            ) from error

    def _missing(self, path: str) -> NotFound:
        if self._inside is not None:
            return self._inside.missing(path)
        return NotFound(
            f"lstat {os.path.abspath(path)}: no such file or directory",
            hint="a path in a container is CONTAINER:PATH, others are of this host",
        )

    @property
    def shown(self) -> str:
        name = f"{self._inside.name}:" if self._inside is not None else ""
        return f"{name}{self._path}"


def _copy(
    source: _Side,
    destination: _Side,
    progress: Listener | None,
    *,
    keep_owner: bool,
    follow: bool,
) -> int:
    with source.source(follow=follow) as (descriptor, what):
        target = copy_plan.plan(what, destination.destination())
        total = None if what.is_directory else os.fstat(descriptor).st_size
        transfer = Transfer(Counter(progress, "copying", total), keep_owner=keep_owner)
        directory = destination.directory(target)
        try:
            with _explained(destination.shown):
                if target.name:
                    transfer.entry(descriptor, directory, target.name)
                else:
                    transfer.contents(descriptor, directory)
        finally:
            os.close(directory)
    return transfer.size


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise PermissionMissing(
            f"cannot write {where}: {error.strerror}",
            hint="copy to where this user and the file system let you write",
        ) from error
    except OSError as error:
        import errno

        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(where) from error
        if error.errno == errno.EROFS:
            raise PermissionMissing(
                f"{where} is marked read-only", hint="copy into a volume that can be written"
            ) from error
        raise InvalidInput(
            f"cannot copy to {where}: {error.strerror}", hint="choose another place for the copy"
        ) from error


def _absolute(path: str) -> str:
    """A path in a container is relative to its root; how it ends is kept."""
    joined = "/" + path.lstrip("/")
    return joined if posixpath.basename(joined) or joined == "/" else f"{joined.rstrip('/')}/"

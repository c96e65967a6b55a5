"""Copying changed files of this host into the containers of a service."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, cast

from dockyard.compose import together
from dockyard.compose.observe import UP, Stack
from dockyard.containers import piped
from dockyard.containers.exec import ExecOptions
from dockyard.errors import DockyardError

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_IN_MEMORY = 8 << 20


def copy(engine: Engine, stack: Stack, service: str, paths: Mapping[str, str]) -> None:
    """Copies files into all containers of a service; those that are gone are removed there.

    What is made there belongs to root.

    Args:
        paths: of this host, to those in the containers.

    Raises:
        DockyardError: a container can't be written to.
    """
    gone = [inside for path, inside in paths.items() if not os.path.lexists(path)]
    present = {path: inside for path, inside in paths.items() if os.path.lexists(path)}
    running = {each.id: each.state in UP for each in stack.of(service)}

    def into(container_id: str) -> None:
        if gone and running[container_id]:
            _remove(engine, container_id, gone)
        if present:
            with _archive(present) as stream:
                engine.containers.unpack(container_id, stream, "/")

    together.at_once(running, into)


def _remove(engine: Engine, container_id: str, paths: list[str]) -> None:
    wanted = ExecOptions(command=("rm", "-rf", "--", *paths), user="0")
    code, said = piped.execute(engine.containers, container_id, wanted, None, None)
    if code != 0:
        raise DockyardError(
            f"deleting paths in {container_id[:12]}: exit code {code}", context=said or None,
            hint="files that are deleted here are deleted there by rm, which the image needs",
        )  # fmt: skip


@contextlib.contextmanager
def _archive(paths: Mapping[str, str]) -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as stream:
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for path, inside in paths.items():
                with contextlib.suppress(OSError):  # the next change brings it, or that it's gone
                    _add(tar, path, inside.lstrip("/"))
        stream.seek(0)
        yield cast("BinaryIO", stream)


def _add(tar: tarfile.TarFile, path: str, name: str) -> None:
    """Adds what is at a path, as it is when it's opened: who can write there may change it.

    Raises:
        OSError: it is gone, or of a kind that isn't copied.
    """
    if os.path.islink(path):
        member = tarfile.TarInfo(name)
        member.type = tarfile.SYMTYPE
        member.linkname = os.readlink(path)
        member.mode = 0o777
        tar.addfile(member)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        member = tarfile.TarInfo(name)
        member.mode, member.mtime = stat.S_IMODE(found.st_mode), found.st_mtime
        if stat.S_ISDIR(found.st_mode):
            member.type = tarfile.DIRTYPE
            tar.addfile(member)
        elif stat.S_ISREG(found.st_mode):
            _add_content(tar, member, descriptor)
    finally:
        os.close(descriptor)


def _add_content(tar: tarfile.TarFile, member: tarfile.TarInfo, descriptor: int) -> None:
    """What could be read says how long it is: the file may shrink or grow meanwhile."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
        with open(descriptor, "rb", closefd=False) as source:
            shutil.copyfileobj(source, content)
        member.size = content.tell()
        content.seek(0)
        tar.addfile(member, cast("BinaryIO", content))

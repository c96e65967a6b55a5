"""Secrets and configs of a service's containers. Pure.

What is in a file of the host is mounted from there. What comes from a variable or from the
Compose file itself is written to a file below the root, which is named by a keyed digest: its
name changes with what is in it, and tells nobody what that is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from dockyard.compose.model.parts import FileReference
from dockyard.compose.model.project import FileObject, Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Mount
from dockyard.decoding import natural
from dockyard.errors import InvalidInput, NotSupported

SECRETS: Final = "/run/secrets/"
_MODE: Final = 0o444
_MOST_IDS: Final = (1 << 32) - 2


class Room(msgspec.Struct, frozen=True):
    """Where written files of one project are."""

    directory: str
    key: bytes
    """A secret of the root."""


class WrittenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that has to be there before a container is started."""

    path: str
    content: bytes
    uid: int = 0
    gid: int = 0
    mode: int = _MODE

    def __repr__(self) -> str:
        """Without its content, which may be secret."""
        return f"WrittenFile(path={self.path!r})"


class Mounted(msgspec.Struct, frozen=True):
    """The mounts of secrets and configs, and the files that they need."""

    mounts: tuple[Mount, ...] = ()
    files: tuple[WrittenFile, ...] = ()


def mounted(project: Project, service: Service, room: Room) -> Mounted:
    """The secrets and configs of a service.

    Raises:
        InvalidInput: a variable isn't set, or a number makes no sense.
        NotSupported: one is kept elsewhere.
    """
    mounts: dict[str, Mount] = {}
    files: dict[str, WrittenFile] = {}
    for kind, reference, target in _references(service):
        where = f"services.{service.name}.{kind}s: {kind} {reference.source}"
        known: Mapping[str, FileObject] = getattr(project, f"{kind}s")
        if reference.source not in known:
            raise InvalidInput(f"{where} is undefined", hint=f"describe it under {kind}s")
        origin = known[reference.source]
        _require_here(kind, reference.source, origin)
        if origin.file:
            mounts[target] = Mount(kind="bind", source=origin.file, target=target, read_only=True)
            continue
        written = _written(where, reference, _content(where, project, origin), room)
        files[written.path] = written
        mounts[target] = Mount(kind="bind", source=written.path, target=target, read_only=True)
    return Mounted(tuple(mounts.values()), tuple(files.values()))


def _references(service: Service) -> Iterable[tuple[str, FileReference, str]]:
    for each in service.secrets:
        yield "secret", each, _below(SECRETS, each)
    for each in service.configs:
        yield "config", each, _below("/", each)


def _below(directory: str, reference: FileReference) -> str:
    target = reference.target or reference.source
    return target if target.startswith("/") else directory + target


def _require_here(kind: str, name: str, origin: FileObject) -> None:
    given = {
        "external": origin.external,
        "driver": origin.driver,
        "driver_opts": origin.driver_opts,
        "template_driver": origin.template_driver,
    }
    for field, value in given.items():
        if value:
            raise NotSupported(
                f"{kind}s.{name}.{field}: unsupported {field} {kind}: nothing keeps {kind}s"
                " outside of files here",
                hint="give file, environment or content instead",
            )


def _content(where: str, project: Project, origin: FileObject) -> bytes:
    if not origin.environment:
        return origin.content.encode()
    value = project.environment.get(origin.environment)
    if value is None:
        raise InvalidInput(
            f'{where}: environment variable "{origin.environment}" is not set',
            hint=f"export {origin.environment}, or write it into .env",
        )
    return value.encode()


def _written(where: str, asked: FileReference, content: bytes, room: Room) -> WrittenFile:
    uid, gid = _identity(f"{where}: uid", asked.uid), _identity(f"{where}: gid", asked.gid)
    mode = _MODE if asked.mode is None else int(asked.mode)
    rights = f"{uid}:{gid}:{mode:o}\0".encode()
    digest = hmac.new(room.key, rights + content, hashlib.sha256).hexdigest()
    return WrittenFile(
        path=f"{room.directory}/{digest}", content=content, uid=uid, gid=gid, mode=mode
    )


def _identity(where: str, text: str) -> int:
    number = natural(text, _MOST_IDS) if text else 0
    if number is None:
        raise InvalidInput(f"{where} is no number: {text!r}", hint="such as 1000, in quotes")
    return number

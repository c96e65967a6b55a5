"""Keeping credentials, and forgetting them, in Docker's configuration or by a credential helper.

What else the file has stays as it is: Docker, Podman and others write to it too.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from dockyard import decoding
from dockyard.errors import DiskFull, InvalidInput, StateError
from dockyard.registry import credentials
from dockyard.registry.credentials import AuthFile
from dockyard.registry.model import Credential
from dockyard.system import links, syscalls
from dockyard.system.files import write_atomically

_AUTHS: Final = "auths"
_DIRECTORY_MODE: Final = 0o700
_ABSOLUTE: Final = -1
"""The path that is opened begins at the root, at no directory."""
_Members = dict[str, msgspec.Raw]


class Keepers(Protocol):
    """Programs that keep credentials."""

    def store(self, name: str, key: str, credential: Credential) -> None:
        """Gives one what it is to keep."""

    def erase(self, name: str, key: str) -> None:
        """Lets one forget."""


def keep(path: str, helpers: Keepers, registry: str, credential: Credential) -> bool:
    """Keeps who one is at a registry; True where it stands unencrypted in the file.

    Raises:
        InvalidInput: the file is damaged.
        ComponentMissing: it names a credential helper that is not installed.
        ComponentFailed: the helper fails.
        StateError: the file can't be written.
    """
    key = credentials.key_of(registry)
    with _locked(path) as directory:
        helper = (credentials.read(path) or AuthFile()).helper(key)
        if helper:
            helpers.store(helper, key, credential)
        _write(directory, path, with_entry(_members(path), key, None if helper else credential))
    return not helper


def forget(path: str, helpers: Keepers, registry: str) -> None:
    """Forgets who one is at a registry; it is no error if nobody knew. Raises as :func:`keep`."""
    key = credentials.key_of(registry)
    with _locked(path) as directory:
        found = credentials.read(path)
        if found is None:
            return
        helper = found.helper(key)
        if helper:
            helpers.erase(helper, key)
        names = {key, registry, f"http://{registry}", f"https://{registry}"}
        if names & (found.auths or {}).keys():
            _write(directory, path, without_entries(_members(path), names))


def with_entry(members: _Members, key: str, credential: Credential | None) -> bytes:
    """The file's text with an entry, which is empty where a helper has the credential. Pure."""
    auths = _auths(members)
    entry: dict[str, str] = {}
    if credential is not None:
        password = "" if credential.identity_token else credential.password
        pair = f"{credential.username}:{password}"
        entry["auth"] = base64.b64encode(pair.encode()).decode()
        if credential.identity_token:
            entry["identitytoken"] = credential.identity_token
    auths[key] = msgspec.Raw(msgspec.json.encode(entry))
    return _text(members, auths)


def without_entries(members: _Members, names: set[str]) -> bytes:
    """The file's text without some entries. Pure."""
    auths = {key: value for key, value in _auths(members).items() if key not in names}
    return _text(members, auths)


def _auths(members: _Members) -> _Members:
    found = bytes(members.get(_AUTHS, msgspec.Raw(b"null")))
    return {} if found == b"null" else decoding.from_json(found, _Members)


def _text(members: _Members, auths: _Members) -> bytes:
    whole = {**members, _AUTHS: msgspec.Raw(msgspec.json.encode(auths))}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def _members(path: str) -> _Members:
    """The file's members, each as it was written."""
    data = credentials.read_bytes(path)
    return decoding.from_json(data, _Members) if data and data.strip() else {}


@contextlib.contextmanager
def _locked(path: str) -> Iterator[int]:
    """Keeps other commands of ours off the file: the lock is on its directory, which is given.

    Raises:
        InvalidInput: a link of somebody else leads there: root may have a user's ``HOME``.
    """
    try:
        path = os.path.join(os.getcwd(), path)
        foreign = links.foreign_link(path)
        if foreign is not None:
            raise InvalidInput(
                f"{foreign} is another user's link to what isn't that user's",
                hint="name a directory of your own in DOCKER_CONFIG",
            )
        directory = os.path.dirname(os.path.realpath(path))
        os.makedirs(directory, _DIRECTORY_MODE, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        no_links = syscalls.RESOLVE_NO_SYMLINKS
        descriptor = syscalls.openat2(_ABSOLUTE, directory, flags, resolve=no_links)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with contextlib.suppress(OSError):  # some network filesystems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(directory: int, path: str, data: bytes) -> None:
    """Replaces the file, which may be behind a symlink, for its owner alone to read."""
    place = f"/proc/self/fd/{directory}/{os.path.basename(os.path.realpath(path))}"
    try:
        write_atomically(place, data, owner=_owner(place))
    except OSError as error:
        raise _unwritable(path, error) from error


def _owner(place: str) -> tuple[int, int] | None:
    """Whose the file stays: root's sudo keeps HOME."""
    try:
        found = os.stat(place, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return None if found.st_uid == os.geteuid() else (found.st_uid, found.st_gid)


def _unwritable(path: str, error: OSError) -> StateError | InvalidInput:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(path)
    return InvalidInput(
        f"{path} can't be written: {error.strerror}",
        hint="see its permissions, or name another directory in DOCKER_CONFIG",
    )

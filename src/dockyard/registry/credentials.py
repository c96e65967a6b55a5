"""Who one is at which registry: what ``login`` left in Docker's configuration, or in Podman's.

Docker's file is looked at first, and in it a credential helper before what the file itself has.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import msgspec

from dockyard import decoding
from dockyard.errors import DockyardError, InvalidInput
from dockyard.oci.reference import DEFAULT_REGISTRY
from dockyard.registry.model import HUB_HOST, HUB_KEY, Credential

_MAX_BYTES: Final = 4 << 20
_HINT: Final = "mend the file, or move it away and log in again (dockyard login)"


class Auth(msgspec.Struct, frozen=True):
    """One entry of ``auths``."""

    auth: str | None = ""
    """Base64 of ``user:password``."""
    username: str | None = ""
    password: str | None = ""
    identitytoken: str | None = ""
    registrytoken: str | None = ""


class AuthFile(msgspec.Struct, frozen=True):
    """What of such a file says who one is; the rest belongs to others."""

    auths: dict[str, Auth | None] | None = None
    cred_helpers: dict[str, str] | None = msgspec.field(default=None, name="credHelpers")
    creds_store: str | None = msgspec.field(default=None, name="credsStore")

    def helper(self, key: str) -> str:
        """The helper that keeps a registry's credentials; empty where the file does."""
        return (self.cred_helpers or {}).get(key) or self.creds_store or ""


class Helpers(Protocol):
    """Programs that keep credentials."""

    def get(self, name: str, key: str) -> Credential | None:
        """What it has for a registry."""


class Credentials:
    """What the files of this user say, each read once. Safe between threads."""

    def __init__(
        self, paths: tuple[str, ...], helpers: Helpers, warn: Callable[[str], None]
    ) -> None:
        self._paths = paths
        self._helpers = helpers
        self._warn = warn
        self._guard = threading.Lock()
        self._files: dict[str, AuthFile | None] = {}
        self._known: dict[tuple[str, str], Credential | None] = {}

    def of(self, registry: str, path: str = "") -> Credential | None:
        """Who one is at a registry; ``None`` where one is nobody there.

        Args:
            path: the repository, for files that tell apart what one is in each.

        Raises:
            InvalidInput: a file is damaged.
        """
        with self._guard:
            if (registry, path) not in self._known:
                self._known[registry, path] = self._find(registry, path)
            return self._known[registry, path]

    def _find(self, registry: str, path: str) -> Credential | None:
        for name in self._paths:
            if name not in self._files:
                self._files[name] = read(name)
            found = self._files[name]
            credential = self._in(found, registry, path) if found is not None else None
            if credential is not None:
                return credential
        return None

    def _in(self, found: AuthFile, registry: str, path: str) -> Credential | None:
        key = key_of(registry)
        helper = found.helper(key)
        if helper:
            try:
                credential = self._helpers.get(helper, key)
            except DockyardError as error:
                self._warn(f"no credentials for {registry}: {error.message}")
                credential = None
            if credential is not None:
                return credential
        return find(found, registry, path)


def key_of(registry: str) -> str:
    """A registry's name in Docker's configuration."""
    return HUB_KEY if registry in {DEFAULT_REGISTRY, HUB_HOST} else registry


def find(found: AuthFile, registry: str, path: str) -> Credential | None:
    """What the file itself has. Pure.

    Raises:
        InvalidInput: an entry makes no sense.
    """
    auths = found.auths or {}
    for key in _keys(registry, path):
        if (auth := auths.get(key)) is not None and (made := credential_of(auth, key)) is not None:
            return made
    for key, auth in auths.items():
        if auth is not None and _host_of(key) == registry:
            return credential_of(auth, key)
    return None


def _keys(registry: str, path: str) -> Iterator[str]:
    """The most precise one first; the last are Docker's."""
    parts = path.split("/") if path else []
    for count in range(len(parts), 0, -1):
        yield "/".join((registry, *parts[:count]))
    yield key_of(registry)
    yield registry


def _host_of(key: str) -> str:
    """The host of what may be a URL, as older versions of Docker wrote it."""
    scheme, mark, rest = key.partition("://")
    return (rest if mark else scheme).partition("/")[0] if mark or key.endswith("/") else ""


def credential_of(auth: Auth, key: str) -> Credential | None:
    """An entry's credential; ``None`` where it is empty. Pure.

    Raises:
        InvalidInput: its base64 isn't.
    """
    username, password = auth.username or "", auth.password or ""
    if auth.auth:
        try:
            pair = base64.b64decode(auth.auth, validate=True).decode()
        except (binascii.Error, ValueError):
            raise InvalidInput(
                f"the entry of {key} in the credentials is damaged", hint=_HINT
            ) from None
        username, colon, password = pair.partition(":")
        if not colon:
            raise InvalidInput(f"the entry of {key} in the credentials is damaged", hint=_HINT)
        password = password.rstrip("\0")
    made = Credential(username, password, auth.identitytoken or "", auth.registrytoken or "")
    return None if made.empty else made


def read(path: str) -> AuthFile | None:
    """A file's content; ``None`` where there is none.

    Raises:
        InvalidInput: it can't be read, or isn't such a file.
    """
    data = read_bytes(path)
    if data is None or not data.strip():
        return None
    try:
        return decoding.from_json(data, AuthFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path} is damaged: {error}", hint=_HINT) from error


def read_bytes(path: str) -> bytes | None:
    """A file's bytes, at most a few megabytes; ``None`` where there is none.

    Raises:
        InvalidInput: it can't be read.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InvalidInput(f"{path} is not a file", hint=_HINT)
            data = stream.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}", hint="see its permissions"
        ) from error
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"{path} is larger than such a file can be", hint=_HINT)
    return data


def docker_file(env: Mapping[str, str]) -> str:
    """Where Docker keeps its configuration, and ``login`` puts credentials."""
    directory = env.get("DOCKER_CONFIG") or f"{env.get('HOME') or '/nonexistent'}/.docker"
    return f"{directory}/config.json"


def files(env: Mapping[str, str]) -> tuple[str, ...]:
    """All files that may say who one is, in the order in which they are looked at."""
    home = env.get("XDG_CONFIG_HOME") or f"{env.get('HOME') or '/nonexistent'}/.config"
    runtime = env.get("XDG_RUNTIME_DIR")
    podman = [f"{runtime}/containers/auth.json"] if runtime else []
    if env.get("REGISTRY_AUTH_FILE"):
        podman = [env["REGISTRY_AUTH_FILE"]]
    elif os.geteuid() == 0:
        podman.append("/run/containers/0/auth.json")
    return (docker_file(env), *podman, f"{home}/containers/auth.json")

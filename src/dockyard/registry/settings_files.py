"""The files that say how to speak to registries: ``registries.toml``, ``certs.d`` as Docker's."""

from __future__ import annotations

import functools
import os
import stat
import tomllib
from collections.abc import Mapping

import msgspec

from dockyard import decoding
from dockyard.errors import InvalidInput
from dockyard.registry.model import Trust
from dockyard.registry.settings import Mirror, Registry, Settings, check_host

_NAME = "registries.toml"
_MAX_BYTES = 1 << 20
_HINT = "docs/registries.md says what the file may have"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[registry."host:port"]``, key by key as it is written."""

    mirrors: tuple[str, ...] = ()
    insecure: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    registry: dict[str, object] = msgspec.field(default_factory=dict)


def load(explicit: str | None, env: Mapping[str, str]) -> Settings:
    """Reads what is set on this host: by the system, and by the user, whose tables take precedence.

    Args:
        explicit: the one file to read instead of those, which has to be there.

    Raises:
        InvalidInput: a file can't be read, or has what makes no sense.
    """
    homes = directories(env)
    found: dict[str, Registry] = {}
    for path in [explicit] if explicit else [f"{home}/{_NAME}" for home in homes]:
        text = _text(path, required=bool(explicit))
        found |= parse(text, path) if text is not None else {}
    places = ("/etc/docker/certs.d", *(f"{home}/certs.d" for home in homes))
    return Settings(found, functools.cache(functools.partial(certificates, places)))


def directories(env: Mapping[str, str]) -> tuple[str, ...]:
    """Where such files are, those that take precedence last."""
    home = env.get("XDG_CONFIG_HOME") or (f"{env['HOME']}/.config" if env.get("HOME") else "")
    return ("/etc/dockyard", *([f"{home}/dockyard"] if home.startswith("/") else []))


def parse(text: str, path: str) -> dict[str, Registry]:
    """The tables of a file. Pure.

    Args:
        path: the file's, for errors, and for paths in it that are relative.

    Raises:
        InvalidInput: it isn't TOML, or a key or value of it makes no sense.
    """
    try:
        document = decoding.from_builtins(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidInput(f"{path}: {error}", hint=_HINT) from error
    found = {}
    for host, table in document.registry.items():
        try:
            check_host(host, host)
            found[host.lower()] = _registry(
                decoding.from_builtins(table, _Table), os.path.dirname(path)
            )
        except (msgspec.ValidationError, InvalidInput) as error:
            raise InvalidInput(f'{path}: [registry."{host}"]: {error}', hint=_HINT) from error
    return found


def _registry(table: _Table, directory: str) -> Registry:
    if bool(table.cert) != bool(table.key):
        raise InvalidInput("cert and key go together", hint=_HINT)
    ca, cert, key = (os.path.join(directory, name) if name else "" for name in
                     (table.ca, table.cert, table.key))  # fmt: skip
    for name, path in (("ca", ca), ("cert", cert), ("key", key)):
        if path and not os.path.isfile(path):
            raise InvalidInput(f"{name}: there is no file {path}", hint=_HINT)
    return Registry(
        tuple(map(Mirror.parse, table.mirrors)), table.insecure, (ca,) if ca else (), cert, key
    )


def certificates(places: tuple[str, ...], host: str) -> Trust:
    """What directories named after a host have: ``*.crt``, ``*.cert`` with ``*.key``.

    Raises:
        InvalidInput: half of a client's certificate is missing, or a directory can't be read.
    """
    try:
        check_host(host, host)
    except InvalidInput:  # a server may lead anywhere
        return Trust()
    authorities: list[str] = []
    certificate = key = ""
    for directory in (f"{place}/{host}" for place in places):
        try:
            names = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise _unreadable(directory, error) from error
        authorities += [f"{directory}/{name}" for name in names if name.endswith(".crt")]
        for name in names:
            stem, dot, kind = name.rpartition(".")
            other = {"cert": "key", "key": "cert"}.get(kind)
            if not dot or other is None:
                continue
            if f"{stem}.{other}" not in names:
                raise InvalidInput(
                    f"{directory}/{name} has no {stem}.{other} beside it",
                    hint="a client's certificate is a pair: NAME.cert and NAME.key",
                )
            certificate, key = f"{directory}/{stem}.cert", f"{directory}/{stem}.key"
    return Trust(False, tuple(authorities), certificate, key)


def _text(path: str, *, required: bool) -> str | None:
    try:
        with open(path, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InvalidInput(f"{path} is not a file", hint=_HINT)
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        if required:
            raise _unreadable(path, error) from error
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"{path} is larger than such a file can be", hint=_HINT)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error}", hint=_HINT) from error


def _unreadable(path: str, error: OSError) -> InvalidInput:
    return InvalidInput(f"{path}: {error.strerror}", hint="see its name and its permissions")

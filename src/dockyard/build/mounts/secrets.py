"""Secrets for RUN steps: read once, given to a step in memory, written nowhere."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping

import msgspec

from dockyard.errors import InvalidInput

MAX_BYTES = 500 * 1024
"""BuildKit's limit."""

_KINDS = frozenset({"file", "env"})


class Secret(msgspec.Struct, frozen=True):
    """A secret under the id that a Dockerfile names."""

    id: str
    value: bytes

    def __repr__(self) -> str:
        """Without the value, which must not get into any message."""
        return f"Secret(id={self.id!r})"


class SecretSource(msgspec.Struct, frozen=True):
    """Where a secret comes from: a file or a variable; one of both is empty."""

    id: str
    path: str = ""
    variable: str = ""


def parse_secret(text: str, environ: Mapping[str, str]) -> SecretSource:
    """``--secret``: ``id=ID[,type=file|env][,src=PATH][,env=NAME]``.

    With an id alone it is the variable of that name, or else the file.

    Raises:
        InvalidInput: it makes no sense.
    """
    fields = {"id": "", "type": "", "source": "", "env": ""}
    for field in next(csv.reader([text]), []):
        written, separator, value = field.partition("=")
        key = {"src": "source"}.get(written.lower(), written.lower())
        if not separator:
            raise InvalidInput(
                f"invalid field '{field}' must be a key=value pair",
                hint="--secret id=NAME,src=FILE or id=NAME,env=VARIABLE",
            )
        if key not in fields:
            raise InvalidInput(f"unexpected key '{written}' in '{field}'",
                               hint="known are id, type, src and env")  # fmt: skip
        if key == "type" and value not in _KINDS:
            raise InvalidInput(f'unsupported secret type "{value}"', hint="file or env")
        fields[key] = value
    name, path, variable = fields["id"], fields["source"], fields["env"]
    if fields["type"] == "env" and not variable:
        path, variable = "", path
    if not name:
        raise InvalidInput("secret missing ID", hint="write id=NAME, as in --secret id=token")
    if not path and not variable:
        path, variable = ("", name) if name in environ else (name, "")
    return SecretSource(name, "" if variable else path, variable)


def read_secret(source: SecretSource, environ: Mapping[str, str]) -> Secret:
    """The secret's value.

    Raises:
        InvalidInput: there is no such file or variable, or it is too large.
    """
    if source.variable:
        if source.variable not in environ:
            raise InvalidInput(
                f"secret {source.id}: the variable {source.variable} is not set",
                hint="export it, or leave the secret out where the step doesn't require it",
            )
        return checked(source.id, os.fsencode(environ[source.variable]))
    try:
        with open(os.path.expanduser(source.path), "rb") as stream:
            value = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InvalidInput(
            f"failed to stat {source.path}: {reason}", hint="--secret names the file with src="
        ) from error
    return checked(source.id, value)


def given(values: Mapping[str, bytes | str | os.PathLike[str]]) -> tuple[Secret, ...]:
    """A program's secrets: a value as it is, a path to a file that holds it.

    Raises:
        InvalidInput: a file can't be read, or a value is too large.
    """
    found = []
    for name, value in values.items():
        if isinstance(value, os.PathLike):
            found.append(read_secret(SecretSource(name, os.fspath(value)), {}))
        else:
            found.append(checked(name, value.encode() if isinstance(value, str) else value))
    return tuple(found)


def checked(name: str, value: bytes) -> Secret:
    """A secret whose value isn't too large.

    Raises:
        InvalidInput: it is.
    """
    if len(value) > MAX_BYTES:
        raise InvalidInput(
            f"secret {name} too big. max size {MAX_BYTES // 1024}KB",
            hint="what is larger comes by a bind mount: RUN --mount=type=bind",
        )
    return Secret(name, value)

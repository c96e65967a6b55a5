"""``--output``: what becomes of a build's result. Pure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Literal, cast, get_args

import msgspec

from dockyard.errors import InvalidInput, NotSupported

Kind = Literal["image", "local", "tar", "oci", "docker", "cacheonly"]
_STREAMS = frozenset({"tar", "oci", "docker"})
_HINT = "such as type=local,dest=DIR, type=tar,dest=FILE, type=oci,dest=FILE, or DIR alone"
_PLAIN = "uncompressed"
"""What BuildKit calls what ``push --compression`` calls ``none``."""


class Push(msgspec.Struct, frozen=True):
    """How an image goes to the registries of its names: as ``push --compression`` says it, as it
    is configured where that is ``None``."""

    compression: str | None = None
    level: int | None = None


class Output(msgspec.Struct, frozen=True):
    """One output.

    ``image`` is this root's own store; ``local`` the files in a directory, ``tar`` the same as an
    archive, ``oci`` and ``docker`` archives of the image, ``cacheonly`` nothing but the cache.
    ``dest`` is a path, or ``-`` for standard output. ``names`` are those of an image that gets no
    others; with ``push`` it goes to their registries, too.
    """

    kind: Kind
    dest: str = ""
    names: tuple[str, ...] = ()
    push: Push | None = None


IMAGE = Output("image")


def names_of(outputs: Sequence[Output]) -> tuple[str, ...]:
    """The names that outputs give to the image, each once. Pure."""
    return tuple(dict.fromkeys(name for output in outputs for name in output.names))


def parse_output(text: str) -> Output:
    """A value of ``--output``.

    Raises:
        InvalidInput: it makes no sense.
        NotSupported: it asks for what is not there.
    """
    if "=" not in text:
        if not text:
            raise InvalidInput("an output must not be empty", hint=_HINT)
        return Output("tar", "-") if text == "-" else Output("local", text)
    return _checked(fields_of(text, "--output", _HINT), text)


def fields_of(text: str, flag: str, hint: str) -> dict[str, str]:
    """The fields of a value such as ``type=local,dest=DIR``; one with a comma is in quotes.

    Raises:
        InvalidInput: a part has no name or no value.
    """
    fields: dict[str, str] = {}
    for part in next(csv.reader([text])):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise InvalidInput(f"invalid value {text!r} of {flag}", hint=hint)
        fields[key.strip().lower()] = value
    return fields


def flag_of(fields: dict[str, str], name: str, *, default: bool = False) -> bool:
    """Takes a field that is ``true`` or ``false`` from the others.

    Raises:
        InvalidInput: it is neither.
    """
    value = fields.pop(name, str(default).lower())
    if value not in {"true", "false"}:
        raise InvalidInput(f"invalid {name} {value!r}", hint="true or false")
    return value == "true"


def _checked(fields: dict[str, str], text: str) -> Output:
    kind, dest = fields.pop("type", ""), fields.pop("dest", "")
    names: tuple[str, ...] = ()
    push = None
    if kind in {"image", "registry"}:
        names = tuple(filter(None, fields.pop("name", "").split(",")))
        push = _push(fields, default=kind == "registry")
        kind = "image"
    if kind not in get_args(Kind):
        raise InvalidInput(f"unknown type {kind!r} in --output {text}", hint=_HINT)
    if fields:
        raise NotSupported(f"--output has no {', '.join(sorted(fields))} here yet", hint=_HINT)
    if kind == "local" and dest in {"", "-"}:
        raise InvalidInput("dest is required for a local output", hint=_HINT)
    if kind in {"image", "cacheonly"} and dest:
        raise InvalidInput(f"an output of type {kind} has no dest", hint=_HINT)
    if kind in _STREAMS:
        dest = dest or "-"
    return Output(cast("Kind", kind), dest, names, push)


def _push(fields: dict[str, str], *, default: bool) -> Push | None:
    """Takes what is said of a registry; ``None`` where the image isn't to go there."""
    if not flag_of(fields, "oci-mediatypes", default=True):
        raise NotSupported(
            "--output has no oci-mediatypes=false", hint="images are pushed in the OCI's format"
        )
    if flag_of(fields, "force-compression"):
        raise NotSupported(
            "--output has no force-compression",
            hint="layers that were pulled keep their bytes and digests; compression= is for others",
        )
    if not flag_of(fields, "push", default=default):
        return None
    kind, level = fields.pop("compression", None), fields.pop("compression-level", None)
    if level is not None and not (level.isascii() and level.isdecimal()):
        raise InvalidInput(f"invalid compression-level {level!r}", hint="a number, such as 3")
    return Push("none" if kind == _PLAIN else kind, None if level is None else int(level))

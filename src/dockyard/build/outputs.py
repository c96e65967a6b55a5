"""``--output``: what becomes of a build's result. Pure."""

from __future__ import annotations

from typing import Literal, cast, get_args

import msgspec

from dockyard.errors import InvalidInput, NotSupported

Kind = Literal["image", "local", "tar", "oci", "docker", "cacheonly"]
_STREAMS = frozenset({"tar", "oci", "docker"})
_HINT = "such as type=local,dest=DIR, type=tar,dest=FILE, type=oci,dest=FILE, or DIR alone"


class Output(msgspec.Struct, frozen=True):
    """One output.

    ``image`` is this root's own store; ``local`` the files in a directory, ``tar`` the same as an
    archive, ``oci`` and ``docker`` archives of the image, ``cacheonly`` nothing but the cache.
    ``dest`` is a path, or ``-`` for standard output.
    """

    kind: Kind
    dest: str = ""


IMAGE = Output("image")


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
    """The fields of a value such as ``type=local,dest=DIR``.

    Raises:
        InvalidInput: a part has no name or no value.
    """
    fields: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise InvalidInput(f"invalid value {text!r} of {flag}", hint=hint)
        fields[key.strip().lower()] = value
    return fields


def _checked(fields: dict[str, str], text: str) -> Output:
    kind, dest = fields.pop("type", ""), fields.pop("dest", "")
    if kind == "registry" or fields.get("push") == "true":
        raise NotSupported("there is no registry to push to yet", hint="type=oci writes an archive")
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
    return Output(cast("Kind", kind), dest)

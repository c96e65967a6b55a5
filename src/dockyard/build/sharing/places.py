"""``--cache-to`` and ``--cache-from``: the directories that hold results of steps. Pure."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from dockyard.build.outputs import fields_of
from dockyard.errors import InvalidInput, NotSupported

Mode = Literal["min", "max"]

_NO_REGISTRY = "there is no registry client yet"
_OTHERS = {
    "registry": _NO_REGISTRY,
    "inline": f"it is for images in a registry, and {_NO_REGISTRY}",
    "gha": "GitHub's service is reached by its own action: cache the directory of type=local",
    "s3": "there is no client for it: synchronise the directory of type=local",
    "azblob": "there is no client for it: synchronise the directory of type=local",
}
_LATEST = "latest"


class CacheTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build leaves its results: those of the image's own layers (``min``) or all.

    ``tag`` is one of several caches in the directory. With ``ignore_error`` a build succeeds
    though they can't be written.
    """

    dest: str
    mode: Mode = "min"
    tag: str = _LATEST
    ignore_error: bool = False


class CacheFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build looks for results that this root doesn't have."""

    src: str
    tag: str = _LATEST


def parse_cache_to(text: str) -> CacheTo:
    """A value of ``--cache-to``.

    Raises:
        InvalidInput: it makes no sense.
        NotSupported: it asks for what is not there.
    """
    hint = "such as type=local,dest=DIR,mode=max"
    fields = _local(text, "--cache-to", hint)
    mode, ignore = fields.pop("mode", "min"), fields.pop("ignore-error", "false")
    if mode not in {"min", "max"}:
        raise InvalidInput(f"invalid mode {mode!r} in --cache-to {text}", hint="min or max")
    if ignore not in {"true", "false"}:
        raise InvalidInput(f"invalid ignore-error {ignore!r}", hint="true or false")
    dest, tag = _place(fields, "dest", text, "--cache-to", hint)
    return CacheTo(dest=dest, mode=cast("Mode", mode), tag=tag, ignore_error=ignore == "true")


def parse_cache_from(text: str) -> CacheFrom:
    """A value of ``--cache-from``; raises as :func:`parse_cache_to`."""
    hint = "such as type=local,src=DIR"
    src, tag = _place(_local(text, "--cache-from", hint), "src", text, "--cache-from", hint)
    return CacheFrom(src=src, tag=tag)


def _local(text: str, flag: str, hint: str) -> dict[str, str]:
    """The fields of a value that is of the type ``local``; a bare name is one in a registry."""
    fields = fields_of(text, flag, hint) if "=" in text else {"type": "registry"}
    kind = fields.pop("type", "")
    if kind in _OTHERS:
        raise NotSupported(f"{flag} has no type={kind}: {_OTHERS[kind]}", hint=hint)
    if kind != "local":
        raise InvalidInput(f"unknown type {kind!r} in {flag} {text}", hint=hint)
    return fields


def _place(fields: dict[str, str], name: str, text: str, flag: str, hint: str) -> tuple[str, str]:
    path, tag = fields.pop(name, ""), fields.pop("tag", _LATEST)
    if fields:
        raise NotSupported(f"{flag} has no {', '.join(sorted(fields))} here", hint=hint)
    if not path or not tag:
        raise InvalidInput(f"{name if not path else 'tag'} is empty in {flag} {text}", hint=hint)
    return path, tag

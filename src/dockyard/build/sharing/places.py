"""``--cache-to`` and ``--cache-from``: the directories, and the tags in registries, that hold
results of steps. Pure."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from dockyard.build.outputs import fields_of, flag_of
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.reference import Reference

Mode = Literal["min", "max"]
Kind = Literal["local", "registry"]

_OTHERS = {
    "inline": "an image has no place for it: type=registry,ref=HOST/REPOSITORY:TAG has one",
    "gha": "GitHub's service is reached by its own action: cache the directory of type=local",
    "s3": "there is no client for it: synchronise the directory of type=local",
    "azblob": "there is no client for it: synchronise the directory of type=local",
}
_LATEST = "latest"
_FORMS = ("oci-mediatypes", "image-manifest")
"""What BuildKit writes only where it is told to, and is so here anyway."""
_TO_HINT = "such as type=local,dest=DIR,mode=max or type=registry,ref=HOST/REPOSITORY:TAG"
_FROM_HINT = "such as type=local,src=DIR or type=registry,ref=HOST/REPOSITORY:TAG"


class CacheTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build leaves its results: those of the image's own layers (``min``) or all.

    ``dest`` is a directory, or a tag in a registry. ``tag`` is one of several caches in the
    directory. With ``ignore_error`` a build succeeds though they can't be written.
    """

    dest: str
    kind: Kind = "local"
    mode: Mode = "min"
    tag: str = _LATEST
    ignore_error: bool = False


class CacheFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build looks for results that this root doesn't have; see :class:`CacheTo`."""

    src: str
    kind: Kind = "local"
    tag: str = _LATEST

    @property
    def target(self) -> str:
        """The value of ``--cache-to`` that writes it."""
        name = "dest" if self.kind == "local" else "ref"
        return f"type={self.kind},{name}={self.src}"


def parse_cache_to(text: str) -> CacheTo:
    """A value of ``--cache-to``.

    Raises:
        InvalidInput: it makes no sense.
        NotSupported: it asks for what is not there.
    """
    kind, fields = _typed(text, "--cache-to", _TO_HINT)
    mode, ignore = fields.pop("mode", "min"), flag_of(fields, "ignore-error")
    if mode not in {"min", "max"}:
        raise InvalidInput(f"invalid mode {mode!r} in --cache-to {text}", hint="min or max")
    dest, tag = _place(kind, fields, "dest", text, "--cache-to", _TO_HINT)
    if "@" in dest and kind == "registry":
        raise InvalidInput("a cache is written to a tag, not a digest", hint=_TO_HINT)
    return CacheTo(dest=dest, kind=kind, mode=cast("Mode", mode), tag=tag, ignore_error=ignore)


def parse_cache_from(text: str) -> CacheFrom:
    """A value of ``--cache-from``; raises as :func:`parse_cache_to`."""
    kind, fields = _typed(text, "--cache-from", _FROM_HINT)
    src, tag = _place(kind, fields, "src", text, "--cache-from", _FROM_HINT)
    return CacheFrom(src=src, kind=kind, tag=tag)


def _typed(text: str, flag: str, hint: str) -> tuple[Kind, dict[str, str]]:
    """The type of a value, and its other fields; a bare name is a tag in a registry."""
    fields = fields_of(text, flag, hint) if "=" in text else {"type": "registry", "ref": text}
    kind = fields.pop("type", "")
    if kind in _OTHERS:
        raise NotSupported(f"{flag} has no type={kind}: {_OTHERS[kind]}", hint=hint)
    if kind not in {"local", "registry"}:
        raise InvalidInput(f"unknown type {kind!r} in {flag} {text}", hint=hint)
    return cast("Kind", kind), fields


def _place(
    kind: Kind, fields: dict[str, str], name: str, text: str, flag: str, hint: str
) -> tuple[str, str]:
    """The directory and the tag in it, or the full name of a tag in a registry."""
    tag = _LATEST
    if kind == "local":
        tag = fields.pop("tag", tag)
    else:
        name = "ref"
        for form in _FORMS:
            if not flag_of(fields, form, default=True):
                raise NotSupported(f"{flag} has no {form}=false here", hint=hint)
    place = fields.pop(name, "")
    if fields:
        raise NotSupported(f"{flag} has no {', '.join(sorted(fields))} here", hint=hint)
    if not place or not tag:
        raise InvalidInput(f"{name if not place else 'tag'} is empty in {flag} {text}", hint=hint)
    return place if kind == "local" else str(Reference.parse(place)), tag

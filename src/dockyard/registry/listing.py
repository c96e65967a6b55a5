"""Lists that a registry gives page by page: tags, and what refers to a manifest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec

from dockyard import decoding
from dockyard.errors import ContentMismatch, NotFound, RegistryError
from dockyard.oci.image import INDEX, MAX_DOCUMENT_BYTES, Descriptor, Index, decode_index

_PER_PAGE: Final = 1000
_MAX_PAGES: Final = 1000
_MAX_TAGS: Final = 1 << 20
_MAX_REFERRERS: Final = 1 << 14
_LINK: Final = re.compile(r'<([^<>]{1,4096})>\s*;[^,]{0,512}?\brel\s*=\s*"?next\b')


class Page(msgspec.Struct, frozen=True):
    """One answer, and the URL of the next; empty where it was the last."""

    data: bytes
    following: str


class _Tags(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] | None = ()


Ask = Callable[[str], Page | None]


def next_of(link: str) -> str:
    """Where the next page is, by a ``Link`` header (RFC 8288); empty without one. Pure."""
    found = _LINK.search(link[: 16 << 10])
    return found[1] if found else ""


def tags(ask: Ask, target: str) -> list[str]:
    """All tags of a repository.

    Raises:
        NotFound: there is no such repository.
        RegistryError: the list makes no sense, or doesn't end.
    """
    found: list[str] = []
    for data in _pages(ask, f"{target}?n={_PER_PAGE}"):
        try:
            found += decoding.from_json(data, _Tags).tags or ()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ContentMismatch("the registry's list of tags makes no sense") from None
        if len(found) > _MAX_TAGS:
            raise _endless()
    return found


def referrers(ask: Ask, target: str, artifact_type: str) -> Index | None:
    """What refers to a manifest; ``None`` where the registry keeps no such lists.

    Raises:
        RegistryError: the list makes no sense, or doesn't end.
    """
    query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
    found: list[Descriptor] = []
    try:
        for data in _pages(ask, target + query):
            found += decode_index(data).manifests
            if len(found) > _MAX_REFERRERS:
                raise _endless()
    except NotFound:
        return None
    return of_type(Index(media_type=INDEX, manifests=tuple(found)), artifact_type)


def of_type(index: Index, artifact_type: str) -> Index:
    """Those of one type only, if one is given: registries need not filter. Pure."""
    if not artifact_type:
        return index
    kept = tuple(one for one in index.manifests if one.artifact_type == artifact_type)
    return Index(media_type=INDEX, manifests=kept, annotations=index.annotations)


def _pages(ask: Ask, target: str) -> list[bytes]:
    found: list[bytes] = []
    seen = {target}
    total = 0
    for _ in range(_MAX_PAGES):
        page = ask(target)
        if page is None:
            raise NotFound(
                "there is no such repository", hint="see how it is spelled", reference="not-found"
            )
        total += len(page.data)
        if len(page.data) > MAX_DOCUMENT_BYTES or total > 16 * MAX_DOCUMENT_BYTES:
            raise _endless()
        found.append(page.data)
        if not page.following:
            return found
        target = page.following
        if target in seen:
            raise _endless()
        seen.add(target)
    raise _endless()


def _endless() -> RegistryError:
    return RegistryError("the registry's list is too long", hint="ask whoever runs it")

"""Manifests and indexes as they come from a registry: what they say they are, and are. Pure."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.errors import ContentMismatch, NotSupported
from dockyard.oci import digest as digests
from dockyard.oci import image
from dockyard.registry.model import Document

ACCEPT: Final = ", ".join((*sorted(image.MANIFESTS), *sorted(image.INDEXES), "*/*"))
_GENERIC: Final = frozenset({
    "", "application/json", "text/plain", "application/octet-stream", "binary/octet-stream",
})  # fmt: skip
"""What servers say that know nothing of the content."""
_OLD: Final = "application/vnd.docker.distribution.manifest.v1+"
_MAX_TYPE: Final = 256
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
"""RFC 6838; it goes into a header when the document is pushed."""


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str | None = ""
    manifests: object = None


def document(data: bytes, content_type: str, *, wanted: str, announced: str, name: str) -> Document:
    """What a registry gave, if it is what was asked for.

    Args:
        wanted: the digest that it has to have; empty where a tag was asked for.
        announced: what the registry says is its digest; it may say nothing.
        name: for messages.

    Raises:
        ContentMismatch: it has another digest, or says two things about its type.
        NotSupported: it is of a format that died out.
    """
    check_size(len(data), name)
    found = digests.of(data)
    for other in (wanted, announced):
        if digests.is_digest(other) and other != found:
            raise ContentMismatch(
                f"{name} has another digest: {found}", context=f"expected {other}",
                reference="digest-mismatch",
            )  # fmt: skip
    return Document(_type(data, content_type.partition(";")[0].strip().lower(), name), found, data)


def check_size(size: int, name: str) -> None:
    """Refuses what no registry has to take.

    Raises:
        ContentMismatch: it is too large.
    """
    if size > image.MAX_DOCUMENT_BYTES:
        raise ContentMismatch(
            f"{name} is too large: {size} bytes, and {image.MAX_DOCUMENT_BYTES} are allowed",
            reference="document-too-large",
        )


def _type(data: bytes, said: str, name: str) -> str:
    """The media type: one digest must not mean two things (CVE-2021-41190)."""
    try:
        shape = decoding.from_json(data, _Shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(f"{name} is no manifest: {error}") from error
    own = (shape.media_type or "")[:_MAX_TYPE]
    if said.startswith(_OLD):
        raise NotSupported(
            f"{name} is in Docker's first format, which died out in 2017",
            hint="pull it with an old Docker and push it again with a new one",
        )
    if own and said not in _GENERIC and own != said:
        raise ContentMismatch(
            f"{name} says that it is {own!r}, and the registry that it is {said[:_MAX_TYPE]!r}",
            reference="confused-document",
        )
    if own and not _MEDIA_TYPE.fullmatch(own):
        raise ContentMismatch(
            f"{name} has a type that makes no sense: {own!r}", reference="confused-document"
        )
    if own or said not in _GENERIC:
        return own or said
    return image.INDEX if shape.manifests is not None else image.MANIFEST

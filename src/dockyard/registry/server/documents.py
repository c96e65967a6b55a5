"""What a manifest says that a registry has to know: what it needs, and what it is about. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from dockyard import decoding
from dockyard.oci.image import INDEXES, MANIFESTS, MAX_DOCUMENT_BYTES
from dockyard.registry.server import names, problems

ARTIFACT: Final = "application/vnd.oci.artifact.manifest.v1+json"
"""Of a draft of the specification that some clients still send; it has blobs."""
KNOWN: Final = MANIFESTS | INDEXES | {ARTIFACT}
_MOST_PARTS: Final = 10_000
_MOST_LISTED_BYTES: Final = 64 << 10
"""Of annotations, in the list of their subject's referrers."""
_LONGEST_TYPE: Final = 255
"""Twice 127 and a slash (RFC 6838, 4.2)."""
_Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Pointer(msgspec.Struct, frozen=True, rename="camel"):
    """A descriptor, as far as it matters here."""

    digest: str
    size: _Size
    media_type: str = ""
    urls: tuple[str, ...] | None = ()
    data: str | None = None


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    artifact_type: str | None = ""
    config: Pointer | None = None
    layers: tuple[Pointer, ...] | None = None
    blobs: tuple[Pointer, ...] | None = None
    manifests: tuple[Pointer, ...] | None = None
    subject: Pointer | None = None
    annotations: dict[str, str] | None = None


class Referrer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A manifest in its subject's list."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Parsed(msgspec.Struct, frozen=True):
    """What is to be known of a manifest or an index."""

    media_type: str
    blobs: tuple[str, ...]
    """Digests that the repository must have."""
    children: tuple[str, ...]
    """Digests of manifests that it must have."""
    subject: str
    """Digest of what it is about; empty where there is none. It may not be there yet."""
    referrer: bytes
    """Its descriptor for the subject's list, as JSON; empty where there is no subject."""


def parse(data: bytes, content_type: str, digest: str) -> Parsed:
    """Reads a document that is being pushed.

    Args:
        content_type: what the client says it is; may be empty.
        digest: of these bytes.

    Raises:
        problems.Refused: it isn't a manifest or index of a known kind, or says that it is another.
    """
    document = _read(data)
    media_type = content_type or document.media_type or _guess(document)
    if media_type not in KNOWN:
        raise problems.bad_manifest(f"unknown media type {media_type[:100]!r}")
    if document.media_type and document.media_type != media_type:
        raise problems.bad_manifest("its mediaType differs from its Content-Type")
    _refuse_confusion(document, media_type)
    blobs = (document.config, *(document.layers or ()), *(document.blobs or ()))
    needed = [one for one in blobs if one is not None and not one.urls]
    children = document.manifests or ()
    pointers = (*needed, *children, *([document.subject] if document.subject else ()))
    _check(pointers)
    subject = document.subject.digest if document.subject else ""
    return Parsed(
        media_type=media_type, blobs=_unique(needed), children=_unique(children), subject=subject,
        referrer=_referrer(document, media_type, digest, len(data)) if subject else b"",
    )  # fmt: skip


def _read(data: bytes) -> _Document:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise problems.too_large(MAX_DOCUMENT_BYTES)
    try:
        document = decoding.from_json(data, _Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.bad_manifest(str(error)[:200]) from None
    if document.schema_version not in {0, 2}:
        raise problems.bad_manifest("only schemaVersion 2 is understood")
    return document


def _guess(document: _Document) -> str:
    """OCI documents need not say what they are."""
    if document.manifests is not None:
        return "application/vnd.oci.image.index.v1+json"
    return "application/vnd.oci.image.manifest.v1+json" if document.config is not None else ""


def _refuse_confusion(document: _Document, media_type: str) -> None:
    """One digest must not mean an image to one client and an index to another (CVE-2021-41190)."""
    if media_type in INDEXES:
        if document.config is not None or document.layers is not None:
            raise problems.bad_manifest("an index has no config and no layers")
        return
    if document.manifests is not None:
        raise problems.bad_manifest("only an index has manifests")
    if media_type in MANIFESTS and document.config is None:
        raise problems.bad_manifest("an image manifest has a config")


def _check(pointers: Iterable[Pointer]) -> None:
    for number, one in enumerate(pointers):
        if number >= _MOST_PARTS:
            raise problems.bad_manifest(f"at most {_MOST_PARTS} descriptors are allowed")
        if not names.is_digest(one.digest):
            raise problems.bad_digest(one.digest)
        if one.data is not None and not _holds(one, one.data):
            raise problems.bad_manifest(f"data of {one.digest} is not its content")


def _holds(pointer: Pointer, text: str) -> bool:
    """True where the embedded content is what the descriptor names."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    algorithm, _, digits = pointer.digest.partition(":")
    return len(content) == pointer.size and hashlib.new(algorithm, content).hexdigest() == digits


def _unique(pointers: Iterable[Pointer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.digest for one in pointers))


def _referrer(document: _Document, media_type: str, digest: str, size: int) -> bytes:
    kind = document.artifact_type or ""
    if not kind and document.config is not None:
        kind = document.config.media_type
    if len(kind) > _LONGEST_TYPE:
        raise problems.bad_manifest(f"an artifactType has at most {_LONGEST_TYPE} characters")
    return msgspec.json.encode(Referrer(
        media_type=media_type, digest=digest, size=size, artifact_type=kind,
        annotations=_listed(document.annotations or {}),
    ))  # fmt: skip


def _listed(annotations: dict[str, str]) -> dict[str, str]:
    """Those with which a list has a manifest: as they come, as far as there is room for them.

    The manifest itself has all of them.
    """
    found: dict[str, str] = {}
    left = _MOST_LISTED_BYTES
    for key, value in annotations.items():
        left -= len(msgspec.json.encode({key: value}))
        if left < 0:
            break
        found[key] = value
    return found

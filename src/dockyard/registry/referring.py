"""Documents that have others as their subject, and the lists of them (OCI distribution
specification 1.1, "Listing Referrers")."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dockyard import decoding
from dockyard.errors import NotFound
from dockyard.oci.image import INDEX, Descriptor, Index, decode_index, encode
from dockyard.registry.model import Document
from dockyard.registry.remote import Remote


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    digest: str = ""
    media_type: str = ""


class _Referring(msgspec.Struct, frozen=True, rename="camel"):
    subject: _Named | None = None
    artifact_type: str = ""
    config: _Named | None = None
    annotations: dict[str, str] | None = None


def subject_of(document: Document) -> str:
    """The digest of its subject; empty where it has none. Pure."""
    found = _read(document)
    return "" if found is None or found.subject is None else found.subject.digest


def described(document: Document) -> Descriptor:
    """A document as a list of referrers has it. Pure."""
    found = _read(document) or _Referring()
    config = "" if found.config is None else found.config.media_type
    return Descriptor(
        media_type=document.media_type, digest=document.digest, size=len(document.data),
        artifact_type=found.artifact_type or config, annotations=found.annotations or {},
    )  # fmt: skip


def list_all(remote: Remote, documents: Iterable[Document]) -> None:
    """Sees to it that a repository lists documents that were put there under their subjects.

    Registries do so themselves; for those that don't know of subjects there is a tag.
    """
    by_subject: dict[str, list[Document]] = {}
    for document in documents:
        by_subject.setdefault(subject_of(document), []).append(document)
    by_subject.pop("", None)
    for subject, referring in by_subject.items():
        listed = {each.digest for each in remote.referrers(subject).manifests}
        missing = [each for each in referring if each.digest not in listed]
        if missing:
            _tag(remote, subject, missing)


def _tag(remote: Remote, subject: str, missing: Iterable[Document]) -> None:
    tag = subject.replace(":", "-")
    try:
        before = decode_index(remote.manifest(tag).data).manifests
    except NotFound:
        before = ()
    index = Index(media_type=INDEX, manifests=(*before, *map(described, missing)))
    remote.put_manifest(tag, INDEX, encode(index))


def _read(document: Document) -> _Referring | None:
    try:
        return decoding.from_json(document.data, _Referring)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""What belongs to an image, an index or another artifact: which documents, and which blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from dockyard.errors import HostileInput, NotFound, NotSupported
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.platform import Platform
from dockyard.registry.model import Document

_MAX_DEPTH: Final = 3
_MAX_DOCUMENTS: Final = 1000
_MAX_BYTES: Final = 64 << 20

Read = Callable[[str | None], Document]
"""A document by its digest; the one that was asked for where it is ``None``."""


class Tree(msgspec.Struct, frozen=True):
    """Documents, those that others name before these, the one that was asked for last; and the
    blobs that they name, each once."""

    documents: tuple[Document, ...]
    blobs: tuple[Descriptor, ...]

    @property
    def top(self) -> Document:
        """The one that was asked for."""
        return self.documents[-1]


def gather(read: Read, platform: Platform | None) -> Tree:
    """All that is to be copied.

    Args:
        platform: which image of an index to take; all of them and the index where it is ``None``.

    Raises:
        NotFound: an index has none for the platform.
        ContentMismatch: a document makes no sense.
        HostileInput: there are too many, too large or too deep.
        NotSupported: something is neither a manifest nor an index.
    """
    walk = _Walk(read, platform)
    walk.visit(read(None), 0)
    return Tree(tuple(walk.documents.values()), tuple(walk.blobs.values()))


class _Walk:
    """Goes down from the document that was asked for."""

    def __init__(self, read: Read, platform: Platform | None) -> None:
        self._read = read
        self._platform = platform
        self._bytes = 0
        self._count = 0
        self.documents: dict[str, Document] = {}
        self.blobs: dict[str, Descriptor] = {}

    def visit(self, document: Document, depth: int) -> None:
        self._count += 1
        self._bytes += len(document.data)
        if self._count > _MAX_DOCUMENTS or self._bytes > _MAX_BYTES or depth > _MAX_DEPTH:
            raise HostileInput(
                "the index names too many documents, or too deep",
                hint=f"at most {_MAX_DOCUMENTS}, {_MAX_BYTES >> 20} MiB and {_MAX_DEPTH} levels",
                reference="index-too-large",
            )
        if document.media_type in oci.INDEXES:
            children = oci.decode_index(document.data).manifests
            if self._platform is not None:
                self.visit(self._child(chosen(children, self._platform)), depth + 1)
                return
            for child in children:
                if child.digest not in self.documents:
                    self.visit(self._child(child), depth + 1)
        elif document.media_type in oci.MANIFESTS:
            for blob in blobs_of(document):
                self.blobs.setdefault(blob.digest, blob)
        else:
            raise NotSupported(
                f"{document.digest} is of the type {document.media_type[:80]!r}",
                hint="copied are manifests and indexes of the OCI, and those of Docker's second"
                " format",
            )
        self.documents[document.digest] = document

    def _child(self, descriptor: Descriptor) -> Document:
        require_digest(descriptor)
        return self._read(descriptor.digest)


def blobs_of(manifest: Document) -> Iterator[Descriptor]:
    """What a manifest consists of, but for layers that only their owner may give away."""
    decoded = oci.decode_manifest(manifest.data)
    for blob in (decoded.config, *decoded.layers):
        require_digest(blob)
        if "nondistributable" not in blob.media_type and ".foreign." not in blob.media_type:
            yield blob


def require_digest(descriptor: Descriptor) -> None:
    """Makes sure that content is named by a sha256 digest: it may become a file's name.

    Raises:
        NotSupported: it is named otherwise.
    """
    if not digests.is_digest(descriptor.digest):
        raise NotSupported(
            f"content is named by {descriptor.digest[:80]!r}", hint="copied is what sha256 names"
        )


def chosen(descriptors: Sequence[Descriptor], platform: Platform) -> Descriptor:
    """The image of an index that is for a platform.

    Raises:
        NotFound: there is none.
    """
    fitting = [each for each in descriptors if _fits(each, platform)]
    if not fitting:
        there = ", ".join(_names(descriptors)) or "nothing"
        raise NotFound(
            f"no image for {platform} in the index, only for {there}",
            hint="--platform names another one, --all copies all of them",
            reference="no-such-platform",
        )
    return min(fitting, key=lambda each: each.platform.get("variant", "") != platform.variant)


def _fits(descriptor: Descriptor, platform: Platform) -> bool:
    own = descriptor.platform
    if not own:
        return True
    if (own.get("os"), own.get("architecture")) != (platform.os, platform.architecture):
        return False
    return not platform.variant or own.get("variant", "") in {"", platform.variant}


def _names(descriptors: Iterable[Descriptor]) -> Iterator[str]:
    for each in descriptors:
        parts = (each.platform.get(key) for key in ("os", "architecture", "variant"))
        name = "/".join(str(part) for part in parts if part)
        if name and not name.startswith("unknown"):
            yield name[:80]

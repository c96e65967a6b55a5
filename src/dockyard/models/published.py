"""A model as a registry has it: its documents, without its files."""

from __future__ import annotations

import msgspec

from dockyard.errors import ContentMismatch
from dockyard.models import readers
from dockyard.models.model import Contents
from dockyard.oci.image import INDEXES
from dockyard.registry.manifests import document_blob
from dockyard.registry.model import Document
from dockyard.registry.remote import Remote


class Found(msgspec.Struct, frozen=True):
    """The documents of a model in a registry."""

    document: Document
    config: bytes
    contents: Contents


def look(remote: Remote) -> Found:
    """Reads a model's documents.

    Raises:
        NotFound: there is nothing of that name.
        NotSupported: it is no model.
        ContentMismatch, HostileInput: it is not a sound one.
    """
    document = remote.manifest()
    if document.media_type in INDEXES:
        raise ContentMismatch(
            f"{remote.reference.familiar} is an index of several manifests, and no model",
            hint="dockyard pull is for images; a model is pulled by the digest of its manifest",
            reference="not-a-model",
        )
    manifest = readers.parse_manifest(document.data)
    readers.require_model(manifest)
    config = document_blob(remote, manifest.config)
    return Found(document, config, readers.read(document.data, config))

"""What a reference means in a registry: its manifest, by way of indexes, and its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from dockyard.errors import ContentMismatch, HostileInput, NotSupported
from dockyard.images.load_documents import LAYER_TYPES, usable_config
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor, ImageConfig, Manifest, decode_index, decode_manifest
from dockyard.oci.platform import Platform
from dockyard.registry import choice
from dockyard.registry.model import Document
from dockyard.registry.problems import Interrupted
from dockyard.registry.remote import Remote

_MAX_DEPTH: Final = 3
_TRIES: Final = 3
_RESTRICTED: Final = frozenset((
    *(f"application/vnd.oci.image.layer.nondistributable.v1.tar{ending}"
      for ending in ("", "+gzip", "+zstd")),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
))  # fmt: skip
"""Layers that may be had from elsewhere only; they are taken where the registry has them."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a registry. ``documents`` are the indexes that led to it, then its manifest."""

    documents: tuple[Document, ...]
    manifest: Manifest
    config: ImageConfig
    config_bytes: bytes
    layers: tuple[tuple[Descriptor, str], ...]
    """Each with its digest unpacked, base first."""

    @property
    def id(self) -> str:
        """The image's id."""
        return self.manifest.config.digest

    @property
    def digest(self) -> str:
        """Of what the reference names itself, which may be an index."""
        return self.documents[0].digest


def find(remote: Remote, wanted: Platform, reference: str | None = None) -> Found:
    """Follows a reference to the image for a platform.

    Args:
        reference: a tag or digest; the remote's own where ``None``.

    Raises:
        NotFound: there is no such image, or none for that platform.
        NotSupported: it is no image.
        ContentMismatch, HostileInput: something of it is not what it should be.
    """
    name = str(remote.reference.familiar)
    documents = [remote.manifest(reference)]
    while documents[-1].media_type in oci.INDEXES:
        if len(documents) > _MAX_DEPTH:
            raise HostileInput(f"indexes of {name} are nested too deeply")
        inner = choice.choose(decode_index(documents[-1].data).manifests, wanted, name)
        documents.append(_follow(remote, inner))
    manifest = image_manifest(documents[-1], name)
    config_bytes = document_blob(remote, manifest.config)
    config = usable_config(config_bytes, len(manifest.layers))
    layers = tuple(zip(_layers(manifest, name), config.rootfs.diff_ids, strict=True))
    return Found(
        documents=tuple(documents), manifest=manifest, config=config,
        config_bytes=config_bytes, layers=layers,
    )  # fmt: skip


def image_manifest(document: Document, name: str) -> Manifest:
    """The manifest of an image.

    Raises:
        NotSupported: it is one of something else.
    """
    if document.media_type not in oci.MANIFESTS:
        raise _no_image(name, document.media_type)
    manifest = decode_manifest(document.data)
    if manifest.config.media_type not in oci.CONFIGS:
        raise _no_image(name, manifest.config.media_type)
    return manifest


def document_blob(remote: Remote, descriptor: Descriptor) -> bytes:
    """A small blob, whole and verified: a configuration.

    Raises:
        ContentMismatch: it is too large, or not what its descriptor says.
    """
    digests.hex_of(descriptor.digest)
    if descriptor.size > oci.MAX_DOCUMENT_BYTES:
        raise ContentMismatch(
            f"a configuration has {descriptor.size} bytes; at most {oci.MAX_DOCUMENT_BYTES} are"
            " allowed", reference="document-too-large",
        )  # fmt: skip
    data = _whole(remote, descriptor)
    if len(data) != descriptor.size or digests.of(data) != descriptor.digest:
        if remote.distrust(descriptor.digest):
            return document_blob(remote, descriptor)
        raise ContentMismatch(
            f"a configuration is not what its digest says: it has {digests.of(data)}",
            context=f"expected {descriptor.digest}", reference="digest-mismatch",
        )  # fmt: skip
    return data


def _whole(remote: Remote, descriptor: Descriptor, tries: int = _TRIES) -> bytes:
    """A byte more than it should have, if there is one."""
    data = b""
    try:
        with remote.read_blob(descriptor.digest) as stream:
            while part := stream.read(descriptor.size + 1 - len(data)):
                data += part
    except Interrupted:
        if tries == 1:
            raise
        return _whole(remote, descriptor, tries - 1)
    return data


def _follow(remote: Remote, inner: Descriptor) -> Document:
    """What an index leads to: by digest, of the type and size that it says."""
    digests.hex_of(inner.digest)
    document = remote.manifest(inner.digest)
    if len(document.data) != inner.size or document.media_type != inner.media_type:
        raise ContentMismatch(
            f"an index says of {inner.digest} that it has {inner.size} bytes of the type"
            f" {inner.media_type[:80]!r}; it has {len(document.data)} of the type"
            f" {document.media_type[:80]!r}", reference="confused-document",
        )  # fmt: skip
    return document


def _layers(manifest: Manifest, name: str) -> Iterator[Descriptor]:
    for layer in manifest.layers:
        digests.hex_of(layer.digest)
        if layer.media_type not in LAYER_TYPES | _RESTRICTED:
            raise NotSupported(
                f"a layer of {name} is of the type {layer.media_type[:80]!r}",
                hint="layers are tar archives, plain or compressed with gzip or zstd",
            )
        yield layer


def is_restricted(layer: Descriptor) -> bool:
    """True for a layer that registries need not have, as its owner gives it himself."""
    return layer.media_type in _RESTRICTED


def _no_image(name: str, media_type: str) -> NotSupported:
    return NotSupported(
        f"{name} is no image, but something of the type {media_type[:80]!r}",
        hint="models are fetched by dockyard model pull; other artifacts by the tools that made"
        " them",
        reference="not-an-image",
    )

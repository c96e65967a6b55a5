"""The documents of an image layout and of Docker's archive format. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference

BLOBS = "blobs/sha256"


class Selection(msgspec.Struct, frozen=True):
    """An image to save, under these of its names."""

    image: Image
    names: tuple[Reference, ...]


class _DockerEntry(msgspec.Struct, frozen=True, rename="pascal"):
    """One image in Docker's ``manifest.json``."""

    config: str
    repo_tags: tuple[str, ...] | None
    layers: tuple[str, ...]


class _LayoutVersion(msgspec.Struct, frozen=True, rename="camel"):
    """The ``oci-layout`` file."""

    image_layout_version: str = "1.0.0"


def manifest(image: Image) -> bytes:
    """The OCI manifest of an image whose layers are plain tars."""
    config = oci.Descriptor(media_type=oci.CONFIG, digest=image.id, size=len(image.config_bytes))
    layers = tuple(
        oci.Descriptor(media_type=oci.LAYER_TAR, digest=layer.diff_id, size=layer.size)
        for layer in image.layers
    )
    document = oci.Manifest(schema_version=2, media_type=oci.MANIFEST, config=config, layers=layers)
    return oci.encode(document)


def index(selections: Sequence[Selection], manifests: Sequence[bytes]) -> bytes:
    """``index.json``: one descriptor for each name, annotated as containerd and Docker do."""
    descriptors = [
        _descriptor(selection.image, data, name)
        for selection, data in zip(selections, manifests, strict=True)
        for name in selection.names or (None,)
    ]
    document = oci.Index(schema_version=2, media_type=oci.INDEX, manifests=tuple(descriptors))
    return oci.encode(document)


def _descriptor(image: Image, manifest: bytes, name: Reference | None) -> oci.Descriptor:
    platform: dict[str, object] = {
        "architecture": image.config.architecture,
        "os": image.config.os,
    }
    if image.config.variant:
        platform["variant"] = image.config.variant
    annotations = {}
    if name is not None and name.tag is not None:
        annotations["io.containerd.image.name"] = str(name)
        annotations["org.opencontainers.image.ref.name"] = name.tag
    return oci.Descriptor(
        media_type=oci.MANIFEST,
        digest=digests.of(manifest),
        size=len(manifest),
        annotations=annotations,
        platform=platform,
    )


def docker_manifest(selections: Sequence[Selection]) -> bytes:
    """``manifest.json``: what ``docker load`` reads."""
    return msgspec.json.encode([_docker_entry(selection) for selection in selections])


def layout_version() -> bytes:
    """``oci-layout``: what marks an image layout."""
    return msgspec.json.encode(_LayoutVersion())


def _docker_entry(selection: Selection) -> _DockerEntry:
    return _DockerEntry(
        config=blob_path(selection.image.id),
        repo_tags=tuple(name.familiar for name in selection.names) or None,
        layers=tuple(blob_path(layer.diff_id) for layer in selection.image.layers),
    )


def blob_path(digest: str) -> str:
    """Where a layout keeps content."""
    return f"{BLOBS}/{digests.hex_of(digest)}"

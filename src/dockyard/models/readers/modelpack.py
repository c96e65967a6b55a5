"""CNCF ModelPack: a file a layer, or archives; paths are annotations."""

from __future__ import annotations

from typing import cast, get_args

import msgspec

from dockyard.errors import ContentMismatch, NotSupported
from dockyard.models import naming
from dockyard.models.documents import FILE_METADATA, FILE_PATH, LAYERS, Config, Manifest
from dockyard.models.model import Contents, Kind, Packing, Part
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor, decode_document


class _File(msgspec.Struct, frozen=True):
    """What is looked at of the metadata of a file."""

    name: str = ""


def read(manifest: Manifest, config_bytes: bytes) -> Contents:
    """See :func:`dockyard.models.readers.read`."""
    config = decode_document(config_bytes, Config, "configuration of a model")
    diff_ids = config.modelfs.diff_ids
    if diff_ids and len(diff_ids) != len(manifest.layers):
        raise ContentMismatch(
            f"the configuration has {len(diff_ids)} diffIds for {len(manifest.layers)} layers"
        )
    parts = tuple(
        _part(layer, diff_ids[number] if diff_ids else "")
        for number, layer in enumerate(manifest.layers)
    )
    return Contents(format="modelpack", parts=parts, config=config)


def _part(layer: Descriptor, diff_id: str) -> Part:
    kind, packing = parse_type(layer.media_type)
    if packing != "raw":
        return Part(blob=layer, kind=kind, packing=packing, diff_id=diff_id)
    if diff_id not in {"", layer.digest}:
        raise ContentMismatch(
            f"the configuration gives the file {layer.digest} another digest: {diff_id[:80]!r}",
            reference="digest-mismatch",
        )
    path = layer.annotations.get(FILE_PATH) or _name_in_metadata(layer)
    return Part(blob=layer, kind=kind, path=naming.check_path(path), diff_id=layer.digest)


def parse_type(media_type: str) -> tuple[Kind, Packing]:
    """The kind and the packing that a layer's type says.

    Raises:
        NotSupported: ModelPack has no such type.
    """
    middle, version, packing = media_type.removeprefix(LAYERS).partition(".v1.")
    known = media_type.startswith(LAYERS) and version
    if not known or middle not in get_args(Kind) or packing not in get_args(Packing):
        raise NotSupported(
            f"the model has a layer of the unknown type {media_type[:200]!r}",
            hint="Dockyard reads version 1 of ModelPack: weight, weight.config, doc, code, dataset"
            " as raw, tar, tar+gzip, tar+zstd",
            reference="unknown-layer-type",
        )
    return cast("Kind", middle), cast("Packing", packing)


def _name_in_metadata(layer: Descriptor) -> str:
    """The name that the metadata gives a file without a path, or else one by its digest."""
    text = layer.annotations.get(FILE_METADATA, "")
    name = decode_document(text.encode(), _File, "metadata of a file").name if text else ""
    return name or digests.short(layer.digest)

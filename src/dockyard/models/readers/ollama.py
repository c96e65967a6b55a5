"""Ollama's models: Docker's manifest, and layers that are told apart by type alone."""

from __future__ import annotations

from collections import Counter

import msgspec

from dockyard.errors import NotSupported
from dockyard.models.documents import Config, Filesystem, Manifest, Technical
from dockyard.models.model import Contents, Kind, Part
from dockyard.oci.image import Descriptor, decode_document

_PREFIX = "application/vnd.ollama.image."
_FILES: dict[str, tuple[str, Kind]] = {
    "model": ("model.gguf", "weight"),
    "projector": ("projector.gguf", "weight"),
    "adapter": ("adapter.gguf", "weight"),
    "draft": ("draft.gguf", "weight"),
    "embed": ("embed.bin", "weight"),
    "template": ("template", "weight.config"),
    "prompt": ("prompt", "weight.config"),
    "system": ("system", "weight.config"),
    "params": ("params.json", "weight.config"),
    "messages": ("messages.json", "weight.config"),
    "license": ("LICENSE", "doc"),
}


class _Config(msgspec.Struct, frozen=True):
    model_format: str = ""
    model_family: str = ""
    model_type: str = ""
    file_type: str = ""


def read(manifest: Manifest, config_bytes: bytes) -> Contents:
    """See :func:`dockyard.models.readers.read`."""
    found = decode_document(config_bytes, _Config, "configuration of an Ollama model")
    seen: Counter[str] = Counter()
    parts = []
    for layer in manifest.layers:
        word = layer.media_type.removeprefix(_PREFIX)
        seen[word] += 1
        parts.append(_part(layer, word, seen[word]))
    config = Config(
        config=Technical(
            architecture=found.model_family,
            format=found.model_format,
            param_size=found.model_type,
            quantization=found.file_type,
        ),
        modelfs=Filesystem(diff_ids=tuple(part.blob.digest for part in parts)),
    )
    return Contents(format="ollama", parts=tuple(parts), config=config)


def _part(layer: Descriptor, word: str, number: int) -> Part:
    if word not in _FILES:
        raise NotSupported(
            f"the model has a layer of the unknown type {layer.media_type[:200]!r}",
            hint="it may be of a newer version of Ollama's format than Dockyard reads",
            reference="unknown-layer-type",
        )
    name, kind = _FILES[word]
    if number > 1:
        stem, dot, ending = name.partition(".")
        name = f"{stem}-{number}{dot}{ending}"
    return Part(blob=layer, kind=kind, path=name, diff_id=layer.digest)

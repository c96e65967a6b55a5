"""Docker's models (Docker Model Runner): version 0.1 tells files by their types, 0.2 by paths."""

from __future__ import annotations

from collections import Counter

import msgspec

from dockyard.errors import ContentMismatch, NotSupported
from dockyard.models import kinds, naming
from dockyard.models.documents import (
    FILE_PATH,
    Config,
    Description,
    Filesystem,
    Manifest,
    Technical,
)
from dockyard.models.model import Contents, Kind, Part
from dockyard.oci.image import Descriptor, decode_document

_PREFIX = "application/vnd.docker.ai."
_FILES: dict[str, tuple[str, Kind]] = {
    "gguf.v3": ("model.gguf", "weight"),
    "gguf.v3.lora": ("adapter.gguf", "weight"),
    "gguf.v3.mmproj": ("mmproj.gguf", "weight"),
    "mmproj": ("mmproj.gguf", "weight"),
    "safetensors": ("model.safetensors", "weight"),
    "dduf": ("model.dduf", "weight"),
    "chat.template.jinja": ("template.jinja", "weight.config"),
    "license": ("LICENSE", "doc"),
}
"""The names that files without a path get, as Docker gives them when it runs a model."""
_SHARDED = frozenset({"gguf.v3", "safetensors"})
_ARCHIVES = frozenset({"vllm.config.tar", "dir.tar"})
_FILE = "model.file"


class _Technical(msgspec.Struct, frozen=True):
    """What version 0.1 says of a model."""

    format: str = ""
    quantization: str = ""
    parameters: str = ""
    architecture: str = ""
    gguf: dict[str, object] = {}


class _Root(msgspec.Struct, frozen=True):
    diff_ids: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, rename="camel"):
    diff_id: str = msgspec.field(default="", name="diffID")


class _Filesystem(msgspec.Struct, frozen=True, rename="camel"):
    diff_ids: tuple[str, ...] = ()


class _Config(msgspec.Struct, frozen=True):
    config: _Technical = _Technical()
    descriptor: Description = Description()
    rootfs: _Root = _Root()
    modelfs: _Filesystem = _Filesystem()
    files: tuple[_File, ...] = ()

    @property
    def diff_ids(self) -> tuple[str, ...]:
        listed = tuple(one.diff_id for one in self.files)
        return self.rootfs.diff_ids or self.modelfs.diff_ids or listed


def read(manifest: Manifest, config_bytes: bytes) -> Contents:
    """See :func:`dockyard.models.readers.read`."""
    found = decode_document(config_bytes, _Config, "configuration of a Docker model")
    counts = Counter(_word(layer) for layer in manifest.layers)
    seen: Counter[str] = Counter()
    parts = []
    for layer in manifest.layers:
        word = _word(layer)
        seen[word] += 1
        parts.append(_part(layer, word, seen[word], counts[word]))
    _check(found.diff_ids, parts)
    return Contents(format="docker", parts=tuple(parts), config=_config(found, parts))


def _word(layer: Descriptor) -> str:
    word = layer.media_type.removeprefix(_PREFIX)
    known = word in _FILES or word in _ARCHIVES or word == _FILE
    if word == layer.media_type or not known:
        raise NotSupported(
            f"the model has a layer of the unknown type {layer.media_type[:200]!r}",
            hint="it may be of a newer version of Docker's format than Dockyard reads",
            reference="unknown-layer-type",
        )
    return word


def _part(layer: Descriptor, word: str, number: int, count: int) -> Part:
    """A file: its own path, else the usual name of its type, with a number where there are more."""
    if word in _ARCHIVES:
        return Part(blob=layer, kind="weight.config", packing="tar", diff_id=layer.digest)
    path = layer.annotations.get(FILE_PATH, "")
    if not path and word == _FILE:
        raise ContentMismatch(f"the file {layer.digest} of the model has no path")
    name, kind = _FILES.get(word, ("", kinds.kind_of(path)))
    if not path:
        path = _numbered(name, number, count, sharded=word in _SHARDED)
    return Part(blob=layer, kind=kind, path=naming.check_path(path), diff_id=layer.digest)


def _numbered(name: str, number: int, count: int, *, sharded: bool) -> str:
    """Parts of one set of weights are named as loaders look for them."""
    if count == 1:
        return name
    stem, dot, ending = name.partition(".")
    if sharded:
        return f"{stem}-{number:05}-of-{count:05}.{ending}"
    return name if number == 1 else f"{stem}-{number}{dot}{ending}"


def _check(diff_ids: tuple[str, ...], parts: list[Part]) -> None:
    """Nothing is compressed, so the digests unpacked are those of the blobs."""
    if diff_ids and list(diff_ids) != [part.blob.digest for part in parts]:
        raise ContentMismatch(
            "the configuration names other files than the manifest", reference="digest-mismatch"
        )


def _config(found: _Config, parts: list[Part]) -> Config:
    technical = found.config
    said = {name: value for name, value in technical.gguf.items() if isinstance(value, str)}
    return Config(
        descriptor=found.descriptor,
        config=Technical(
            architecture=technical.architecture or said.get("architecture", ""),
            format=technical.format,
            param_size=(technical.parameters or said.get("parameter_count", "")).replace(" ", ""),
            quantization=technical.quantization or said.get("quantization", ""),
        ),
        modelfs=Filesystem(diff_ids=tuple(part.blob.digest for part in parts)),
    )

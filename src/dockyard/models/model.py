"""What a model is: values only."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.models.documents import Config
from dockyard.oci import digest as digests
from dockyard.oci.image import Descriptor

Kind = Literal["weight", "weight.config", "doc", "code", "dataset"]
"""What a file of a model is, in ModelPack's words."""
Packing = Literal["raw", "tar", "tar+gzip", "tar+zstd"]
"""How a blob holds its files: as they are, one a blob, or in an archive."""
Format = Literal["modelpack", "docker", "ollama", "kitops"]
"""Whose artifact it is."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A blob of a model, and the file or files that it stands for."""

    blob: Descriptor
    kind: Kind
    packing: Packing = "raw"
    path: str = ""
    """Of the file, relative to the model's directory; empty for an archive, which has paths."""
    diff_id: str = ""
    """The digest of what is in the blob, uncompressed; empty where nobody says."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What an artifact says that it holds, whatever its format."""

    format: Format
    parts: tuple[Part, ...]
    config: Config
    """What is said of the model, as ModelPack has it."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model of this root."""

    id: str
    """The digest of its manifest."""
    manifest: bytes
    """Byte for byte, as the configuration."""
    config_bytes: bytes
    media_type: str
    """Of the manifest."""
    contents: Contents
    names: tuple[str, ...] = ()
    """References in full, sorted."""
    created: int = 0
    """When it came to this root, in nanoseconds since 1970."""
    size: int = 0
    """Bytes of its blobs, each once."""

    @property
    def short_id(self) -> str:
        return digests.short(self.id)

    @property
    def owner(self) -> str:
        """The model's name among those who need blobs."""
        return owner_of(self.id)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """All that its manifest names but the configuration, each once."""
        return blobs_of(self.contents.parts)


def blobs_of(parts: tuple[Part, ...]) -> tuple[Descriptor, ...]:
    """The parts' blobs, each once."""
    return tuple({part.blob.digest: part.blob for part in parts}.values())


def owner_of(model_id: str) -> str:
    """A model's name among those who need blobs."""
    return f"model:{model_id}"


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What whoever packs a model says of it; where a field is empty, its files may say it."""

    name: str = ""
    family: str = ""
    """Such as ``llama3``."""
    version: str = ""
    licenses: tuple[str, ...] = ()
    """SPDX expressions."""
    architecture: str = ""
    """Such as ``transformer``."""
    format: str = ""
    """Of the weights, such as ``safetensors``."""
    param_size: str = ""
    """The number of parameters, such as ``8B`` or ``22.7M``."""
    precision: str = ""
    """Such as ``bfloat16``; several with commas."""
    quantization: str = ""
    """Such as ``awq``."""
    annotations: dict[str, str] = {}
    """Of the manifest."""
    created_at: str = ""
    """RFC 3339; the artifact says nothing of its time where it is empty."""


class Removed(msgspec.Struct, frozen=True):
    """A name that went, or a model's id."""

    kind: Literal["Untagged", "Deleted"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


class Pruned(msgspec.Struct, frozen=True):
    """What a prune removed, and the bytes that this freed."""

    removed: tuple[Removed, ...]
    freed: int

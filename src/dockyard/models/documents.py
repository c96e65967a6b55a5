"""The documents of a model as an artifact: the CNCF's ModelPack, version 1 (model-spec).

They are others' too: :func:`dockyard.oci.image.decode_document` reads them.
"""

from __future__ import annotations

import msgspec

from dockyard.oci.image import MANIFEST, Descriptor, Int64

ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
LAYERS = "application/vnd.cncf.model."
"""How the types of its layers begin."""
PRECISIONS = frozenset(
    ("float64", "float32", "float16", "bfloat16", "float8_e4m3", "float8_e5m2", "complex32",
     "complex64", "complex128", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
     "uint64", "bool")
)  # fmt: skip
FILE_PATH = "org.cncf.model.filepath"
FILE_METADATA = "org.cncf.model.file.metadata+json"


class Description(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What is said of a model in general (``descriptor``)."""

    created_at: str = ""
    authors: tuple[str, ...] = ()
    vendor: str = ""
    family: str = ""
    name: str = ""
    version: str = ""
    title: str = ""
    description: str = ""
    doc_url: str = msgspec.field(default="", name="docURL")
    source_url: str = msgspec.field(default="", name="sourceURL")
    datasets_url: tuple[str, ...] = msgspec.field(default=(), name="datasetsURL")
    revision: str = ""
    licenses: tuple[str, ...] = ()


class Technical(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What a server has to know of a model (``config``)."""

    architecture: str = ""
    format: str = ""
    param_size: str = ""
    """Such as ``8B`` or ``22.7M``."""
    precision: str = ""
    """Such as ``bfloat16``; several with commas."""
    quantization: str = ""
    capabilities: dict[str, object] = msgspec.field(default_factory=dict)


class Filesystem(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The digests of all layers, uncompressed, in order."""

    type: str = "layers"
    diff_ids: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of an artifact."""

    descriptor: Description = Description()
    config: Technical = Technical()
    modelfs: Filesystem = Filesystem()


class FileMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The annotation of a layer that is one file; as in a tar's header."""

    name: str
    mode: Int64 = 0o644
    uid: Int64 = 0
    gid: Int64 = 0
    size: Int64 = 0
    mtime: str = "1970-01-01T00:00:00Z"
    typeflag: Int64 = ord("0")


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A manifest with the type of what it stands for."""

    schema_version: Int64 = msgspec.field(default_factory=lambda: 2)
    media_type: str = msgspec.field(default_factory=lambda: MANIFEST)
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = {}


def encode(document: Manifest | Config | FileMetadata) -> bytes:
    """UTF-8 JSON with sorted keys, hence a stable digest."""
    return msgspec.json.encode(document, order="deterministic")

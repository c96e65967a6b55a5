"""What a manifest and its configuration say of a model, whoever wrote them. Pure.

One file a format. Each turns its own documents into :class:`dockyard.models.model.Contents`.
"""

from __future__ import annotations

import importlib

from dockyard.errors import ContentMismatch, NotSupported
from dockyard.models import naming
from dockyard.models.documents import CONFIG, Manifest
from dockyard.models.model import Contents
from dockyard.oci import digest as digests
from dockyard.oci.image import CONFIGS, Descriptor, decode_document, decode_manifest

MAX_CONFIG_BYTES = 4 << 20
_MOST_LAYERS = 20_000
_DOCKER = "application/vnd.docker.ai.model.config.v0."
_KITOPS = "application/vnd.kitops.modelkit.config.v1+json"
_OLLAMA_LAYERS = "application/vnd.ollama.image."


def parse_manifest(data: bytes) -> Manifest:
    """A manifest, of whatever it may be.

    Raises:
        ContentMismatch: it is none, or an index as well, or has more layers than a model can need.
    """
    decode_manifest(data)  # refuses what could be taken for something else
    manifest = decode_document(data, Manifest, "manifest of a model")
    if len(manifest.layers) > _MOST_LAYERS:
        raise ContentMismatch(f"the manifest has {len(manifest.layers)} layers; at most"
                              f" {_MOST_LAYERS} are allowed")  # fmt: skip
    for descriptor in (manifest.config, *manifest.layers):
        if not digests.is_digest(descriptor.digest):
            raise ContentMismatch(f"the manifest names content by {descriptor.digest[:80]!r}, which"
                                  " is no sha256 digest")  # fmt: skip
    if manifest.config.size > MAX_CONFIG_BYTES:
        raise ContentMismatch(f"the configuration has {manifest.config.size} bytes; at most"
                              f" {MAX_CONFIG_BYTES} are allowed")  # fmt: skip
    return manifest


def format_of(manifest: Manifest) -> str | None:
    """The name of the format, which is that of its reader; ``None`` where it is no model."""
    found = manifest.config.media_type
    if found == CONFIG:
        return "modelpack"
    if found.startswith(_DOCKER):
        return "docker"
    if found == _KITOPS:
        return "kitops"
    ollama = any(each.media_type.startswith(_OLLAMA_LAYERS) for each in manifest.layers)
    return "ollama" if ollama and found in CONFIGS else None


def read(manifest_bytes: bytes, config_bytes: bytes) -> Contents:
    """What an artifact holds.

    Args:
        config_bytes: which have the digest that the manifest names.

    Raises:
        NotSupported: it is an image, or an artifact that is no model.
        ContentMismatch, HostileInput: its documents make no sense, or its files would leave their
            directory or lie on each other.
    """
    manifest = parse_manifest(manifest_bytes)
    name = require_model(manifest)
    reader = importlib.import_module(f"{__name__}.{name}")
    contents: Contents = reader.read(manifest, config_bytes)
    if not contents.parts:
        raise ContentMismatch("the model has no files")
    naming.check_paths(part.path for part in contents.parts if part.packing == "raw")
    _check_sizes(contents)
    return contents


def require_model(manifest: Manifest) -> str:
    """The format's name; see :func:`format_of`.

    Raises:
        NotSupported: it is an image, or an artifact that is no model.
    """
    name = format_of(manifest)
    if name is not None:
        return name
    if manifest.config.media_type in CONFIGS:
        raise NotSupported(
            "it is an image, not a model",
            hint="dockyard pull is for images",
            reference="not-a-model",
        )
    kind = manifest.artifact_type or manifest.config.media_type
    raise NotSupported(
        f"it is an artifact of another kind: {kind[:200]!r}",
        hint="models are read in the formats of ModelPack, Docker, Ollama and KitOps",
        reference="not-a-model",
    )


def _check_sizes(contents: Contents) -> None:
    """One digest has one size."""
    sizes: dict[str, Descriptor] = {}
    for part in contents.parts:
        if sizes.setdefault(part.blob.digest, part.blob).size != part.blob.size:
            raise ContentMismatch(f"the manifest gives {part.blob.digest} two sizes")

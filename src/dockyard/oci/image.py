"""Image configuration, manifest, index and layout, as in the OCI image specification 1.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec

from dockyard import decoding
from dockyard.decoding import INT64_MAX
from dockyard.errors import ContentMismatch

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
MANIFESTS = frozenset((MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"))
INDEXES = frozenset((INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"))
CONFIGS = frozenset((CONFIG, "application/vnd.docker.container.image.v1+json"))
"""Each with Docker's own name for the same."""
_DOCKER_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER_TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER_TAR}+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{LAYER_TAR}+zstd",
}
TITLE_LABEL = "org.opencontainers.image.title"
VERSION_LABEL = "org.opencontainers.image.version"
MAX_DOCUMENT_BYTES = 4 << 20
"""What registries take for a manifest; larger documents are refused unread."""


Int64 = Annotated[int, msgspec.Meta(ge=-INT64_MAX, le=INT64_MAX)]
"""What Go reads, and what can be written into a record again."""


class Healthcheck(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True, kw_only=True):
    """Docker's extension of the configuration; durations are in nanoseconds."""

    test: tuple[str, ...] = ()
    interval: Int64 = 0
    timeout: Int64 = 0
    start_period: Int64 = 0
    start_interval: Int64 = 0
    retries: Int64 = 0


class ExecutionConfig(
    msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True, kw_only=True
):
    """The ``config`` object: what a container of the image runs with unless told otherwise."""

    user: str = ""
    exposed_ports: dict[str, dict[str, object]] = msgspec.field(default_factory=dict)
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: dict[str, dict[str, object]] = msgspec.field(default_factory=dict)
    working_dir: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    shell: tuple[str, ...] | None = None
    on_build: tuple[str, ...] | None = None
    args_escaped: bool = False


class RootFilesystem(msgspec.Struct, frozen=True):
    """The uncompressed layers' digests, base first."""

    diff_ids: tuple[str, ...] = ()
    type: str = "layers"


class History(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of ``docker history``."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The configuration document; the digest of its bytes is the image's id."""

    architecture: str
    os: str = msgspec.field(default_factory=lambda: "linux")
    """Required by the specification, hence written although it is the default."""
    variant: str = ""
    created: str | None = None
    author: str = ""
    config: ExecutionConfig = msgspec.field(default_factory=ExecutionConfig)
    rootfs: RootFilesystem = msgspec.field(default_factory=RootFilesystem)
    history: tuple[History, ...] = ()


Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
"""Bytes or seconds; SQLite and the kernel take no more."""


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A pointer to content: media type, digest and size in bytes."""

    media_type: str = ""
    """Required by the specification; whoever looks at it refuses what has none."""
    digest: str
    size: Count
    artifact_type: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    platform: dict[str, object] = msgspec.field(default_factory=dict)


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An image manifest."""

    schema_version: Int64 = msgspec.field(default_factory=lambda: 2)
    """Written although it is the default; not every program does."""
    media_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Index(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An image index."""

    schema_version: Int64 = msgspec.field(default_factory=lambda: 2)
    media_type: str = ""
    manifests: tuple[Descriptor, ...] = msgspec.field(default_factory=lambda: ())
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """What tells kinds of documents apart, whatever else is in them."""

    media_type: str = ""
    config: object = None
    layers: object = None
    manifests: object = None
    fs_layers: object = None


D = TypeVar("D")


def layer_type(media_type: str) -> str:
    """The OCI's name for a type of layers, where it is one of Docker's."""
    return _DOCKER_LAYERS.get(media_type, media_type)


def encode(document: ImageConfig | Manifest | Index) -> bytes:
    """The document's bytes: UTF-8 JSON with sorted keys, hence a stable digest."""
    return msgspec.json.encode(document, order="deterministic")


def decode_config(data: bytes) -> ImageConfig:
    """Parses a configuration; fields that Dockyard doesn't know are ignored.

    Raises:
        ContentMismatch: it isn't an image configuration.
    """
    return decode_document(data, ImageConfig, "image configuration")


def decode_manifest(data: bytes) -> Manifest:
    """Parses an image manifest.

    Raises:
        ContentMismatch: it isn't one, or could be taken for an index as well (CVE-2021-41190).
    """
    manifest = decode_document(data, Manifest, "image manifest")
    _refuse_others(data, "image manifest", MANIFESTS, ("manifests", "fs_layers"))
    return manifest


def decode_index(data: bytes) -> Index:
    """Parses an image index.

    Raises:
        ContentMismatch: it isn't one, or could be taken for a manifest as well.
    """
    index = decode_document(data, Index, "image index")
    _refuse_others(data, "image index", INDEXES, ("config", "layers", "fs_layers"))
    return index


def refuse_other_kinds(config: bytes) -> None:
    """Looks at a configuration that came from elsewhere, and could be decoded.

    Raises:
        ContentMismatch: it could be taken for a manifest or an index as well.
    """
    _refuse_others(config, "image configuration", CONFIGS, ("layers", "manifests", "fs_layers"))


def _refuse_others(data: bytes, what: str, types: frozenset[str], foreign: Sequence[str]) -> None:
    """One digest must not mean one image here, and another where it is read differently."""
    shape = decode_document(data, _Shape, what)
    found = [name for name in foreign if getattr(shape, name) is not None]
    if shape.media_type and shape.media_type not in types:
        found.append(shape.media_type)
    if found:
        raise ContentMismatch(
            f"this is no {what}, or not only that: it has {found[0][:80]!r}",
            reference="confused-document",
        )


def decode_document(data: bytes, kind: type[D], what: str) -> D:
    """A document of others: of bounded size and depth, whatever is in it.

    Args:
        what: the document in words.

    Raises:
        ContentMismatch: it is too large or too deep, or something else than that.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ContentMismatch(f"the {what} has {len(data)} bytes; at most {MAX_DOCUMENT_BYTES} are"
                              " allowed", reference="document-too-large")  # fmt: skip
    try:
        try:
            return decoding.from_json(data, kind)
        except msgspec.ValidationError:  # Go writes null for what is empty
            return decoding.from_builtins(_without_nulls(msgspec.json.decode(data)), kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(f"this is no {what}: {error}") from error


def _without_nulls(document: object) -> object:
    if isinstance(document, list):
        return [_without_nulls(value) for value in document]
    if not isinstance(document, dict):
        return document
    return {name: _without_nulls(value) for name, value in document.items() if value is not None}

"""The documents of a shared cache, in an OCI image layout. Pure.

``index.json`` names a manifest by a tag. The manifest's configuration has the records: for each
step its key, the chain ID of what it was made on, and its layers, by their places among those of
the manifest. Keys mean something to this builder alone, so the types are ours, not BuildKit's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from dockyard import decoding
from dockyard.build.cache import Origin
from dockyard.errors import ContentMismatch
from dockyard.images.layout import Place
from dockyard.images.model import Times
from dockyard.images.packages.model import UNDIVIDED, Division
from dockyard.oci import digest as digests
from dockyard.oci import image as oci

ARTIFACT = "application/vnd.dockyard.buildcache.v1"
CONFIG = f"{ARTIFACT}.config+json"
LAYER = f"{oci.LAYER_TAR}+zstd"
_TAG = "org.opencontainers.image.ref.name"
_FAMILY = "application/vnd.dockyard.buildcache."
_T = TypeVar("_T")


class SharedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as :class:`dockyard.images.model.Layer`, which has another id in each root."""

    diff_id: str
    size: oci.Count
    epoch: oci.Count
    times: Times


class SharedRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A result; ``below`` is the chain ID of the layers below, empty for none."""

    key: str
    description: str
    below: str
    layers: tuple[int, ...]
    origin: Origin | None = None
    division: Division = UNDIVIDED


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration: ``layers`` are in the order of the manifest's."""

    layers: tuple[SharedLayer, ...]
    records: tuple[SharedRecord, ...]


class _Index(msgspec.Struct, frozen=True):
    """As :class:`dockyard.oci.image.Index`, but what others put into it stays as it is."""

    manifests: list[dict[str, object]] | None = None


def find(index: bytes, tag: str) -> Place:
    """The manifest of a cache.

    Raises:
        ContentMismatch: the index makes no sense, or has no such cache that we can read.
    """
    foreign = ""
    for entry in _decode(index, _Index, "index.json").manifests or ():
        each = _convert(entry)
        if each is None or each.annotations.get(_TAG) != tag:
            continue
        if each.artifact_type == ARTIFACT:
            return _place(each)
        foreign = each.artifact_type or each.media_type
    if foreign.startswith(_FAMILY):
        raise ContentMismatch(f"it is of another version: {foreign}")
    if foreign:
        raise ContentMismatch(f"{tag!r} in it is {foreign}, not a cache of this builder")
    raise ContentMismatch(f"it has no cache with the tag {tag!r}")


def read_manifest(data: bytes) -> tuple[Place, tuple[Place, ...]]:
    """The places of the configuration and of the layers.

    Raises:
        ContentMismatch: it makes no sense.
    """
    manifest = oci.decode_manifest(data)
    kind = manifest.config.media_type
    if kind != CONFIG:
        what = "of another version" if kind.startswith(_FAMILY) else "not a cache of this builder"
        raise ContentMismatch(f"it is {what}: {kind}")
    return _place(manifest.config), tuple(map(_place, manifest.layers))


def read_contents(data: bytes, layers: int) -> Contents:
    """The configuration, where it says of ``layers`` layers what makes sense.

    Raises:
        ContentMismatch: otherwise.
    """
    contents = _decode(data, Contents, "the configuration")
    if len(contents.layers) != layers:
        raise ContentMismatch(f"it describes {len(contents.layers)} layers of {layers}")
    names = [layer.diff_id for layer in contents.layers]
    for record in contents.records:
        names += [record.key, *([record.below] if record.below else [])]
        if not all(0 <= number < layers for number in record.layers):
            raise ContentMismatch("a record names a layer that is not there")
        if len(record.division.notes) not in {0, len(record.layers)}:
            raise ContentMismatch("a record says something of other layers than its own")
    if not all(map(digests.is_digest, names)):
        raise ContentMismatch("something is named by other than a sha256 digest")
    return contents


def write_contents(contents: Contents) -> bytes:
    """The configuration's bytes."""
    return msgspec.json.encode(contents, order="deterministic")


def write_manifest(contents: bytes, layers: Sequence[tuple[SharedLayer, Place]]) -> bytes:
    """The manifest's bytes."""
    document = oci.Manifest(
        schema_version=2,
        media_type=oci.MANIFEST,
        config=oci.Descriptor(
            media_type=CONFIG, digest=digests.of(contents), size=len(contents)
        ),
        layers=tuple(
            oci.Descriptor(
                media_type=LAYER, digest=place.digest, size=place.size,
                annotations={"containerd.io/uncompressed": layer.diff_id},
            )
            for layer, place in layers
        ),
    )  # fmt: skip
    return oci.encode(document)


def write_index(before: bytes | None, tag: str, manifest: bytes) -> bytes:
    """``index.json`` with the cache under its tag; what else was in it stays."""
    try:
        others = _decode(before or b"{}", _Index, "index.json").manifests or []
    except ContentMismatch:  # nobody can read it as it is
        others = []
    own: dict[str, object] = {
        "mediaType": oci.MANIFEST,
        "artifactType": ARTIFACT,
        "digest": digests.of(manifest),
        "size": len(manifest),
        "annotations": {_TAG: tag},
    }
    kept = [entry for entry in others if not _is_cache(entry, tag)]
    document = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": [*kept, own]}
    return msgspec.json.encode(document)


def _is_cache(entry: dict[str, object], tag: str) -> bool:
    """True for a cache of ours under that tag, of whatever version."""
    each = _convert(entry)
    return (
        each is not None
        and each.artifact_type.startswith(_FAMILY)
        and each.annotations.get(_TAG) == tag
    )


def _convert(entry: dict[str, object]) -> oci.Descriptor | None:
    given = {name: value for name, value in entry.items() if value is not None}
    try:
        return decoding.from_builtins(given, oci.Descriptor)
    except msgspec.ValidationError:  # somebody else's
        return None


def _place(descriptor: oci.Descriptor) -> Place:
    if not digests.is_digest(descriptor.digest):
        raise ContentMismatch(f"{descriptor.digest[:80]!r} is no sha256 digest")
    return Place(descriptor.digest, descriptor.size)


def _decode(data: bytes, kind: type[_T], what: str) -> _T:
    try:
        return decoding.from_json(data, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(f"{what} makes no sense: {error}") from error

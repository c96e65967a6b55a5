"""What an archive of ``save`` says about its images: Docker's form and the OCI image layout. Pure
but for reading the documents."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from dockyard import decoding
from dockyard.errors import ContentMismatch, DockyardError, HostileInput, InvalidInput, NotSupported
from dockyard.images.intake import Blob
from dockyard.images.parts import Parts, document
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci import times
from dockyard.oci.image import (
    Descriptor,
    ImageConfig,
    Manifest,
    decode_config,
    decode_index,
    decode_manifest,
)
from dockyard.oci.reference import Reference

MAX_LAYERS = 125
"""As many as Docker stacks."""
_MAX_DEPTH = 3
_MAX_IMAGES = 10_000
LAYER_TYPES = frozenset(
    (oci.LAYER_TAR, f"{oci.LAYER_TAR}+gzip", f"{oci.LAYER_TAR}+zstd",
     "application/vnd.docker.image.rootfs.diff.tar",
     "application/vnd.docker.image.rootfs.diff.tar.gzip")
)  # fmt: skip
_T = TypeVar("_T")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An image of an archive: its configuration, and the paths of its layers, base first."""

    config_bytes: bytes
    config: ImageConfig
    names: tuple[Reference, ...]
    layers: tuple[tuple[str, Blob], ...]

    @property
    def id(self) -> str:
        """The digest of the configuration."""
        return digests.of(self.config_bytes)


class _DockerEntry(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: tuple[str, ...] | None = None
    repo_tags: tuple[str, ...] | None = None


def images_of(parts: Parts, architecture: str) -> tuple[Found, ...]:
    """The images of an archive; of one for several platforms that for Linux on ``architecture``.

    Raises:
        ContentMismatch: a document is missing, damaged or not what its digest says.
        HostileInput: a document is of absurd size or depth.
        InvalidInput: it is no image archive.
        NotSupported: an image that can't be used here.
    """
    if (listing := parts.open("manifest.json")) is not None:
        listing.close()
        entries = _few(_listing(document(parts, "manifest.json")))
        return tuple(_docker_image(parts, entry) for entry in entries)
    if (index := parts.open("index.json")) is not None:
        index.close()
        top = decode_index(document(parts, "index.json"))
        found = [_oci_image(parts, each, architecture) for each in _few(top.manifests)]
        return _merged(found)
    raise InvalidInput(
        "not an image archive: it has neither manifest.json nor index.json",
        hint="load reads what save writes; import makes an image of any other tar",
        reference="no-image-archive",
    )


def _few(entries: Sequence[_T]) -> Sequence[_T]:
    if len(entries) > _MAX_IMAGES:
        raise HostileInput(f"the archive has more than {_MAX_IMAGES} images")
    return entries


def _listing(data: bytes) -> tuple[_DockerEntry, ...]:
    """Docker's ``manifest.json``."""
    try:
        return decoding.from_json(data, tuple[_DockerEntry, ...])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(
            f"manifest.json of the archive makes no sense: {error}", reference="damaged-archive"
        ) from error


def _docker_image(parts: Parts, entry: _DockerEntry) -> Found:
    data = _verified(parts, entry.config)
    paths = entry.layers or ()
    config = usable_config(data, len(paths))
    layers = tuple(
        (path, Blob(diff_id=diff_id, digest=_promised(path)))
        for path, diff_id in zip(paths, config.rootfs.diff_ids, strict=True)
    )
    names = tuple(_name(text) for text in entry.repo_tags or ())
    return Found(config_bytes=data, config=config, names=names, layers=layers)


def _verified(parts: Parts, path: str) -> bytes:
    """A document whose path may hold its digest."""
    data = document(parts, path)
    promised = _promised(path)
    if promised is not None and digests.of(data) != promised:
        raise _mismatch(path, digests.of(data))
    return data


def _promised(path: str) -> str | None:
    """The digest that a path is made of: ``blobs/sha256/HEX``, or ``HEX.json`` for a config."""
    directory, name = posixpath.split(path)
    if directory == "blobs/sha256" or name.endswith(".json"):
        digest = digests.PREFIX + name.removesuffix(".json")
        return digest if digests.is_digest(digest) else None
    return None


def _mismatch(path: str, found: str) -> ContentMismatch:
    return ContentMismatch(f"{path} of the archive has the digest {found}")


def usable_config(data: bytes, layers: int) -> ImageConfig:
    """An image's configuration that came from elsewhere.

    Args:
        layers: how many its manifest has.

    Raises:
        ContentMismatch: it makes no sense, or not together with that.
        HostileInput: there are too many layers.
        NotSupported: the image is not for Linux.
    """
    config = decode_config(data)
    if decoding.has_nul(data):
        raise ContentMismatch(
            "an image's configuration has a NUL byte in a text", reference="bad-image-config"
        )
    oci.refuse_other_kinds(data)
    _check_times(config)
    if config.os != "linux":
        raise NotSupported(
            f"the image is for {config.os}/{config.architecture}; only Linux images run here",
            hint="get the same image for Linux",
        )
    if not all(digests.is_digest(diff_id) for diff_id in config.rootfs.diff_ids):
        raise ContentMismatch("an image's configuration names layers by other than sha256")
    if len(config.rootfs.diff_ids) != layers:
        count = len(config.rootfs.diff_ids)
        raise ContentMismatch(f"an image's configuration names {count} layers, it has {layers}")
    if layers > MAX_LAYERS:
        raise HostileInput(
            f"an image has {layers} layers; at most {MAX_LAYERS} can be stacked",
            hint="make it with fewer steps, or of one layer: docker export, then dockyard import",
        )
    return config


def _check_times(config: ImageConfig) -> None:
    """Whoever reads them later counts on times (RFC 3339), or none."""
    for moment in (config.created, *(line.created for line in config.history)):
        if not moment:
            continue
        try:
            times.parse_rfc3339(moment)
        except (ValueError, OverflowError) as error:
            raise ContentMismatch(
                f"an image's configuration has {moment[:40]!r} for a time",
                reference="bad-image-config",
            ) from error


def _name(text: str) -> Reference:
    reference = Reference.parse(text)
    if reference.digest is not None or reference.tag is None:
        raise InvalidInput(
            f"the archive gives an image the name {text!r}, which is one by digest",
            hint="save it by its tag: what has a digest is vouched for by a registry alone",
        )
    return reference


def _oci_image(parts: Parts, descriptor: Descriptor, architecture: str, depth: int = 0) -> Found:
    data = _blob(parts, descriptor)
    if descriptor.media_type in oci.INDEXES:
        if depth == _MAX_DEPTH:
            raise HostileInput("indexes of the archive are nested too deeply")
        inner = _for_here(decode_index(data).manifests, architecture)
        found = _oci_image(parts, inner, architecture, depth + 1)
        return msgspec.structs.replace(found, names=(*_annotated(descriptor), *found.names))
    if descriptor.media_type not in oci.MANIFESTS:
        raise _no_image(descriptor.media_type)
    manifest = decode_manifest(data)
    if manifest.config.media_type not in oci.CONFIGS:
        raise _no_image(manifest.config.media_type)
    config_bytes = _blob(parts, manifest.config)
    config = usable_config(config_bytes, len(manifest.layers))
    return Found(
        config_bytes=config_bytes,
        config=config,
        names=tuple(_annotated(descriptor)),
        layers=tuple(_layers(manifest, config)),
    )


def _no_image(media_type: str) -> NotSupported:
    return NotSupported(
        f"the archive has something of the type {media_type[:80]!r}, which is no image",
        hint="images are manifests of the OCI or of Docker's second version",
    )


def _layers(manifest: Manifest, config: ImageConfig) -> Iterator[tuple[str, Blob]]:
    for layer, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True):
        if layer.media_type not in LAYER_TYPES:
            raise NotSupported(
                f"a layer is of the type {layer.media_type!r}",
                hint="layers are tar archives, plain or compressed with gzip or zstd",
            )
        blob = Blob(diff_id=diff_id, digest=layer.digest, size=layer.size)
        yield _blob_path(layer.digest), blob


def _blob(parts: Parts, descriptor: Descriptor) -> bytes:
    path = _blob_path(descriptor.digest)
    data = document(parts, path)
    if len(data) != descriptor.size or digests.of(data) != descriptor.digest:
        raise _mismatch(path, digests.of(data))
    return data


def _blob_path(digest: str) -> str:
    if not digests.is_digest(digest):
        raise ContentMismatch(f"{digest[:80]!r} is no sha256 digest")
    return f"blobs/sha256/{digests.hex_of(digest)}"


def _for_here(descriptors: Sequence[Descriptor], architecture: str) -> Descriptor:
    """That of an index that is for this machine; attestations have no platform to run on."""
    real = [each for each in descriptors if each.platform.get("os") != "unknown"]
    wanted = {"os": "linux", "architecture": architecture}
    for each in real:
        if not each.platform or all(each.platform.get(key) == wanted[key] for key in wanted):
            return each
    there = ", ".join(f"{each.platform.get('os')}/{each.platform.get('architecture')}"
                      for each in real)  # fmt: skip
    raise NotSupported(
        f"the archive has no image for linux/{architecture}, only for {there or 'nothing'}",
        hint="--platform loads one for another machine; save has to be asked for this one's",
    )


def _annotated(descriptor: Descriptor) -> Iterator[Reference]:
    annotations = descriptor.annotations
    text = annotations.get("io.containerd.image.name")
    if text is None:
        text = annotations.get("org.opencontainers.image.ref.name", "")
        if ":" not in text and "/" not in text:  # a tag alone names no repository
            return
    try:
        yield _name(text)
    except DockyardError:
        return  # other tools put other things there


def _merged(found: Sequence[Found]) -> tuple[Found, ...]:
    """An index has a descriptor for each name of an image."""
    images: dict[str, Found] = {}
    for each in found:
        before = images.get(each.id)
        names = (*(before.names if before else ()), *each.names)
        images[each.id] = msgspec.structs.replace(each, names=tuple(dict.fromkeys(names)))
    return tuple(images.values())

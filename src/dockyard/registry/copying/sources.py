"""What ``copy`` reads from: registries, OCI image layouts, archives of Docker's older form."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

import msgspec

from dockyard import decoding
from dockyard.errors import ContentMismatch, DockyardError, NotFound, NotSupported
from dockyard.images.decompress import BLOCK, is_compressed
from dockyard.images.parts import Parts, Slice, document
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.documents import document as described
from dockyard.registry.model import Document, Readable
from dockyard.registry.problems import RangeIgnored
from dockyard.registry.referring import subject_of
from dockyard.registry.remote import Remote

TAG: Final = "org.opencontainers.image.ref.name"
NAME: Final = "io.containerd.image.name"
_SKIP_BYTES: Final = 1 << 20
_MOST_SHOWN: Final = 10
"""Tags that are named to who asked for another one; the last ones are mostly the newest."""


class Source(Protocol):
    """A place with one image, index or artifact to copy. Safe between threads."""

    remote: Remote | None
    """The repository, where it is one of a registry."""

    def document(self, digest: str | None) -> Document:
        """A manifest or index by its digest, verified; the one to copy where it is ``None``."""

    def opened(self, blob: Descriptor, offset: int) -> AbstractContextManager[Readable]:
        """A blob's bytes from an offset on. Who reads checks the digest."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """Documents that have this one as their subject."""


class RegistrySource:
    """A tag or digest of a repository."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.remote: Remote | None = remote

    def document(self, digest: str | None) -> Document:
        try:
            return self._remote.manifest(digest)
        except NotFound as error:
            if digest is None and self._remote.reference.digest is None:
                error.hint = self._tags() or error.hint
            raise

    def _tags(self) -> str:
        """Which tags there are, in words; empty where that isn't to be known."""
        try:
            tags = sorted(self._remote.tags())
        except DockyardError:
            return ""
        shown = ", ".join(tags[-_MOST_SHOWN:])
        return f"it has the tags {'..., ' * (len(tags) > _MOST_SHOWN)}{shown}" if tags else ""

    @contextlib.contextmanager
    def opened(self, blob: Descriptor, offset: int) -> Iterator[Readable]:
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(self._remote.read_blob(blob.digest, offset=offset))
            except RangeIgnored:
                stream = stack.enter_context(self._remote.read_blob(blob.digest))
                _skip(stream, offset)
            yield stream

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        return self._remote.referrers(digest).manifests


def _skip(stream: Readable, count: int) -> None:
    while count and (data := stream.read(min(count, _SKIP_BYTES))):
        count -= len(data)


class LayoutSource:
    """An OCI image layout, in a directory or a tar.

    Args:
        name: the tag of the image in it; there is only one where it is empty.
    """

    remote: Remote | None = None

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts = parts
        self._index = oci.decode_index(document(parts, "index.json"))
        self._name = name

    def document(self, digest: str | None) -> Document:
        """A manifest or index of the layout, verified."""
        descriptor = self._wanted() if digest is None else None
        name = digest if descriptor is None else descriptor.digest
        data = document(self._parts, _path(name or ""))
        media_type = "" if descriptor is None else descriptor.media_type
        return described(data, media_type, wanted=name or "", announced="", name=name or "")

    @contextlib.contextmanager
    def opened(self, blob: Descriptor, offset: int) -> Iterator[Readable]:
        with _slice(self._parts, _path(blob.digest)) as found:
            found.forward(offset)
            yield found

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        return tuple(each for each in self._index.manifests if self._refers(each, digest))

    def _refers(self, descriptor: Descriptor, digest: str) -> bool:
        try:
            return subject_of(self.document(descriptor.digest)) == digest
        except (ContentMismatch, NotSupported):
            return False

    def _wanted(self) -> Descriptor:
        entries = self._index.manifests
        if self._name:
            entries = tuple(each for each in entries if self._name in _names(each))
        unique = {each.digest: each for each in entries}
        if len(unique) == 1:
            return next(iter(unique.values()))
        names = sorted({each.annotations[TAG] for each in self._index.manifests
                        if TAG in each.annotations})  # fmt: skip
        raise NotFound(
            f"the layout has no image {self._name!r}" if self._name
            else f"the layout has {len(unique)} images: say which one",
            hint=f"it has the tags {', '.join(names) or 'of none'}: put :TAG behind the path",
            reference="no-such-image",
        )  # fmt: skip


def _names(descriptor: Descriptor) -> set[str]:
    return {descriptor.annotations.get(TAG, ""), descriptor.annotations.get(NAME, "")}


def _path(digest: str) -> str:
    return f"blobs/sha256/{digests.hex_of(digest)}"


@contextlib.contextmanager
def _slice(parts: Parts, path: str) -> Iterator[Slice]:
    found = parts.open(path)
    if found is None:
        raise ContentMismatch(
            f"the archive names {path!r}, which it doesn't have",
            hint="it is incomplete; make it again",
            reference="incomplete-archive",
        )
    try:
        yield found
    finally:
        found.close()


class _Entry(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: tuple[str, ...] | None = None
    repo_tags: tuple[str, ...] | None = None


class DockerSource:
    """An archive as ``docker save`` wrote it before version 25: layers are plain tars, and there is
    no manifest but the one that is made here."""

    remote: Remote | None = None

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts = parts
        entry = _entry(document(parts, "manifest.json"), name)
        config = document(parts, entry.config)
        diff_ids = oci.decode_config(config).rootfs.diff_ids
        layers = entry.layers or ()
        if len(diff_ids) != len(layers):
            raise ContentMismatch("the archive's configuration names other layers than it has")
        self._paths = {digests.of(config): entry.config}
        found = tuple(map(self._layer, layers, diff_ids))
        manifest = oci.Manifest(
            media_type=oci.MANIFEST, layers=found,
            config=Descriptor(
                media_type=oci.CONFIG, digest=digests.of(config), size=len(config)
            ),
        )  # fmt: skip
        data = oci.encode(manifest)
        self._document = Document(oci.MANIFEST, digests.of(data), data)

    def document(self, digest: str | None) -> Document:
        """The manifest that was made."""
        if digest not in {None, self._document.digest}:
            raise NotFound(f"the archive has no {digest}", hint="it has one image alone")
        return self._document

    @contextlib.contextmanager
    def opened(self, blob: Descriptor, offset: int) -> Iterator[Readable]:
        with _slice(self._parts, self._paths[blob.digest]) as found:
            found.forward(offset)
            yield found

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:  # noqa: ARG002  # it has none
        return ()

    def _layer(self, path: str, diff_id: str) -> Descriptor:
        """A plain layer is what its diff id says, which is verified as it is sent."""
        with _slice(self._parts, path) as found:
            if is_compressed(found.peek(BLOCK)):
                raise ContentMismatch(
                    f"the archive's layer {path!r} is compressed",
                    hint="load it (dockyard load), then push it",
                )
            self._paths[diff_id] = path
            return Descriptor(media_type=oci.LAYER_TAR, digest=diff_id, size=found.size)


def _entry(listing: bytes, name: str) -> _Entry:
    try:
        entries = decoding.from_json(listing, tuple[_Entry, ...])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(f"manifest.json of the archive makes no sense: {error}") from error
    names = {str(Reference.parse(tag)): each for each in entries for tag in each.repo_tags or ()}
    if name and name in names:
        return names[name]
    if not name and len(entries) == 1:
        return entries[0]
    raise NotFound(
        f"the archive has no image {name!r}" if name
        else f"the archive has {len(entries)} images: say which one",
        hint=f"it has {', '.join(sorted(names)) or 'none with a name'}: put :NAME behind the file",
        reference="no-such-image",
    )  # fmt: skip

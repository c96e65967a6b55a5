"""What ``copy`` writes to: registries, and OCI image layouts in directories."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from dockyard import decoding
from dockyard.errors import ContentMismatch, InvalidInput
from dockyard.images.distribution import Distribution
from dockyard.images.layout import LayoutDirectory, Place
from dockyard.observability.transfers import Phase, Track
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.registry import referring
from dockyard.registry.copying import flow
from dockyard.registry.copying.plan import Tree, blobs_of
from dockyard.registry.copying.sources import TAG, Source
from dockyard.registry.download import Connections, Download, complete
from dockyard.registry.ledger import Ledger
from dockyard.registry.model import Document
from dockyard.registry.partial import Partial
from dockyard.registry.remote import Remote
from dockyard.registry.upload import present, sources, transmit

_MOST_AT_ONCE: Final = 6
_WAIT_SECONDS: Final = 0.2


class Outcome(msgspec.Struct, frozen=True):
    """How a blob came to be at the target."""

    phase: Phase
    note: str = ""


class Target(Protocol):
    """A place that gets blobs first, and then the documents that name them."""

    at_once: int
    """Blobs that it takes at once."""

    def check(self, tree: Tree, related: Sequence[Document]) -> None:
        """Refuses what it can't take, before anything is moved.

        Args:
            related: documents that have those of the tree as their subjects.
        """

    def take(self, source: Source, blob: Descriptor, track: Track) -> Outcome:
        """Gets a blob. Called from several threads, where it takes several at once."""

    def finish(self, tree: Tree, related: Sequence[Document]) -> Document:
        """Gets the documents, when it has all blobs; what the top one is there."""


class RegistryTarget:
    """A tag or digest of a repository."""

    at_once = _MOST_AT_ONCE

    def __init__(self, remote: Remote, known: Distribution, ledger: Ledger) -> None:
        self._remote = remote
        self._known = known
        self._ledger = ledger

    def check(self, tree: Tree, related: Sequence[Document]) -> None:  # noqa: ARG002
        """Refuses what has another digest than the target's name."""
        if self._remote.reference.digest not in {None, tree.top.digest}:
            raise InvalidInput(
                f"what is copied has the digest {tree.top.digest}",
                hint="name a tag, or that digest",
            )

    def take(self, source: Source, blob: Descriptor, track: Track) -> Outcome:
        """Gets a blob, where it isn't there and no other repository has it."""
        places = list(self._known.places(blob.digest))
        if source.remote is not None:
            places.insert(0, source.remote.reference.repository)
        found = present(self._remote, blob, sources(places, self._remote.reference), self._ledger)
        if found is not None:
            if found.source is None:
                return Outcome("exists")
            return Outcome("mounted", f"from {found.source.path}")
        track.phase("copying", blob.size)
        flow.trusting(source, blob, lambda: self._send(source, blob, track))
        return Outcome("copied")

    def _send(self, source: Source, blob: Descriptor, track: Track) -> None:
        opened = flow.verified(source, blob)
        transmit(self._remote, blob, opened, counter=track, ledger=self._ledger)

    def finish(self, tree: Tree, related: Sequence[Document]) -> Document:
        """Gets the documents, those that others name before these."""
        reference = self._remote.reference
        for document in tree.documents[:-1]:
            self._put(document, document.digest)
        self._put(tree.top, reference.digest or reference.tag or "")
        for document in related:
            self._put(document, document.digest)
        referring.list_all(self._remote, related)
        blobs = [blob.digest for blob in tree.blobs]
        self._known.add_places(blobs, reference.repository)
        return tree.top

    def _put(self, document: Document, name: str) -> None:
        self._remote.put_manifest(name, document.media_type, document.data)


class _Index(msgspec.Struct, frozen=True):
    """As the OCI's, but what others put into it stays as it is."""

    manifests: list[dict[str, object]] | None = None


class LayoutTarget:
    """A directory with an OCI image layout, which the caller has locked.

    It is a sound layout from the beginning, though it names the image only in the end. What has
    come stays for the next copy where this one breaks off: whole blobs in their places, parts of
    others beside them.

    Args:
        tag: under which it gets the image; none where it is empty.
        connections: fetch from registries.
    """

    at_once = _MOST_AT_ONCE

    def __init__(
        self, layout: LayoutDirectory, tag: str, connections: Connections,
        pause: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._layout = layout
        self._tag = tag
        self._connections = connections
        self._pause = pause

    def check(self, tree: Tree, related: Sequence[Document]) -> None:  # noqa: ARG002
        """Takes anything."""
        if self._layout.index() is None:
            self._layout.publish(index_with(None, "", ()))

    def take(self, source: Source, blob: Descriptor, track: Track) -> Outcome:
        """Gets a blob, where it isn't there."""
        if self._layout.has(Place(blob.digest, blob.size)):
            return Outcome("exists")
        track.phase("copying", blob.size)
        if source.remote is not None:
            self._fetch(source.remote, blob, track)
        else:
            self._layout.add(
                lambda write: flow.pour(source, blob, write, hearer=track, pause=self._pause)
            )
        return Outcome("copied")

    def _fetch(self, remote: Remote, blob: Descriptor, track: Track) -> None:
        """As a pull does: large ones in ranges, on from where another copy came to."""
        path = self._layout.partial(blob.digest)
        partial = Partial.wait_for(path, blob.size, lambda: self._pause(_WAIT_SECONDS))
        download = Download(remote, blob, partial, track)
        track.found(partial.there)
        try:
            complete(download, blob.digest, self._connections)
            partial.finish()
            self._layout.adopt(blob.digest)
        finally:
            self._connections.quiet(download)
            partial.close()

    def finish(self, tree: Tree, related: Sequence[Document]) -> Document:
        """Gets the documents, and names the last one in the index."""
        for document in (*tree.documents, *related):
            if not self._layout.has(Place(document.digest, len(document.data))):
                self._layout.add(functools.partial(_emit, document.data))
        own = [entry(tree.top, self._tag), *(entry(each, "") for each in related)]
        self._layout.publish(index_with(self._layout.index(), self._tag, own))
        self._layout.drop_partials()
        return tree.top


def _emit(data: bytes, write: Callable[[bytes], object]) -> None:
    write(data)


def entry(document: Document, tag: str) -> Descriptor:
    """A document as an index names it. Pure."""
    return Descriptor(
        media_type=document.media_type, digest=document.digest, size=len(document.data),
        annotations={TAG: tag} if tag else {},
    )  # fmt: skip


def index_with(before: bytes | None, tag: str, own: Sequence[Descriptor]) -> bytes:
    """``index.json`` with entries of ours besides what it had. Pure.

    One that had the tag of ours, or the same digest without a tag, gives way.
    """
    try:
        decoded = decoding.from_json(before or b"{}", _Index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContentMismatch(
            f"index.json of the layout makes no sense: {error}",
            hint="name another directory, or remove this one",
        ) from error
    digests = {each.digest for each in own}
    kept = [each for each in decoded.manifests or [] if not _gives_way(each, tag, digests)]
    entries = [*kept, *map(msgspec.to_builtins, own)]
    document = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries}
    return msgspec.json.encode(document)


def _gives_way(entry: dict[str, object], tag: str, digests: set[str]) -> bool:
    annotations = entry.get("annotations")
    named = annotations.get(TAG) if isinstance(annotations, dict) else None
    if named is None:
        return entry.get("digest") in digests
    return bool(tag) and named == tag


def all_blobs(tree: Tree, related: Sequence[Document]) -> list[Descriptor]:
    """Each once, those of related documents too. Pure."""
    found = {blob.digest: blob for blob in tree.blobs}
    for document in related:
        found |= {blob.digest: blob for blob in blobs_of(document)}
    return list(found.values())

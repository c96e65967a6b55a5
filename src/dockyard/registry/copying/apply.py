"""Copies: puts a source and a target together, and moves what belongs to an image."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from dockyard.errors import ContentMismatch, HostileInput, InvalidInput, PermissionMissing
from dockyard.images import platforms
from dockyard.images.archive import written_to
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Distribution
from dockyard.images.growth import Growth
from dockyard.images.layout import LayoutDirectory
from dockyard.images.parts import DirectoryParts, Parts, TarParts
from dockyard.images.workplace import workplace
from dockyard.observability.transfers import UNHEARD, Listener, Transfers
from dockyard.oci import image as oci
from dockyard.oci.image import MANIFESTS, Descriptor
from dockyard.registry.client import Client
from dockyard.registry.copying import flow
from dockyard.registry.copying.archives import DockerArchive, OciArchive
from dockyard.registry.copying.places import Place
from dockyard.registry.copying.plan import Tree, gather, require_digest
from dockyard.registry.copying.sources import DockerSource, LayoutSource, RegistrySource, Source
from dockyard.registry.copying.targets import LayoutTarget, RegistryTarget, Target, all_blobs
from dockyard.registry.crew import Crew
from dockyard.registry.documents import check_size
from dockyard.registry.download import fetching
from dockyard.registry.ledger import Ledger
from dockyard.registry.model import Document
from dockyard.state.database import Database
from dockyard.state.paths import Paths, unusable

_MAX_RELATED: Final = 1000
_MAX_RELATED_BYTES: Final = 64 << 20
_DEPTH: Final = 3
"""Of what refers to what refers to an image: a signature of an inventory."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What of an image is copied.

    - ``platform``: of an index the image for this one; for this host where it is ``None``;
    - ``everything``: an index with all its images;
    - ``referrers``: what has them as its subject, too: signatures, inventories.
    """

    platform: str | None = None
    everything: bool = False
    referrers: bool = False


class Copied(msgspec.Struct, frozen=True):
    """What the target has now: the top document's digest, and its size in bytes."""

    digest: str
    size: int


class Copying:
    """Copies for one root, which keeps nothing of it but where blobs were seen.

    Args:
        client: is closed when a copy fails.
    """

    def __init__(
        self, paths: Paths, database: Database, client: Client, listener: Listener | None = None
    ) -> None:
        self._paths = paths
        self._database = database
        self._client = client
        self._transfers = Transfers(listener)

    def copy(self, source: Place, target: Place, options: Options) -> Copied:
        """See :meth:`dockyard.shipping.Shipper.copy`."""
        if options.everything and options.platform is not None:
            raise InvalidInput("--all and --platform contradict each other", hint="leave one out")
        with contextlib.ExitStack() as stack:
            _, directory = stack.enter_context(workplace(self._paths, self._database, "copy"))
            opened = stack.enter_context(self._source(source, directory))
            platform = None if options.everything else platforms.wanted(options.platform)
            tree = gather(opened.document, platform)
            if options.platform is not None:
                _require(opened, tree.top, options.platform, self._client.transport.pause)
            related = _related(opened, tree) if options.referrers else []
            sink = stack.enter_context(self._target(target, directory))
            sink.check(tree, related)
            made = self._move(opened, sink, tree, related)
        return Copied(made.digest, len(made.data))

    def _move(
        self, source: Source, target: Target, tree: Tree, related: list[Document]
    ) -> Document:
        with Crew(self._client.close, couriers=target.at_once) as crew:
            for blob in all_blobs(tree, related):
                crew.start("couriers", self._take, source, target, blob)
            crew.join()
        return target.finish(tree, related)

    def _take(self, source: Source, target: Target, blob: Descriptor) -> None:
        track = self._transfers.track(blob.digest, blob.size)
        outcome = target.take(source, blob, track)
        track.phase(outcome.phase, note=outcome.note)

    @contextlib.contextmanager
    def _source(self, place: Place, directory: str) -> Iterator[Source]:
        if place.reference is not None:
            yield RegistrySource(self._client.remote(place.reference))
            return
        growth = Growth(directory)
        parts = _opened(place, f"{directory}/archive", growth)
        try:
            if place.kind == "docker-archive" and not _has(parts, "index.json"):
                yield DockerSource(parts, place.name)
            else:
                yield LayoutSource(parts, place.name)
        finally:
            parts.close()

    @contextlib.contextmanager
    def _target(self, place: Place, directory: str) -> Iterator[Target]:
        pause = self._client.transport.pause
        if place.reference is not None:
            known = Distribution(self._database, ContentStore(self._paths, self._database))
            remote = self._client.remote(place.reference, push=True)
            ledger = Ledger(self._paths, self._database)
            ledger.tidy()
            yield RegistryTarget(remote, known, ledger)
        elif place.kind == "oci":
            with (
                LayoutDirectory(place.path) as layout,
                layout.locked(),
                fetching(self._client.close) as connections,
            ):
                yield LayoutTarget(layout, place.name, connections, pause)
        else:
            with written_to(place.path) as write:
                if place.kind == "oci-archive":
                    yield OciArchive(write, place.name, directory, pause)
                else:
                    with _room_in(directory):
                        yield DockerArchive(write, place.name, directory, pause)


@contextlib.contextmanager
def _room_in(directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(directory, error) from error


def _opened(place: Place, spool: str, growth: Growth) -> Parts:
    """A layout's directory, or an archive."""
    try:
        if place.kind == "oci":
            return DirectoryParts(place.path, growth)
        with open(place.path, "rb") as stream:
            return TarParts(stream, spool, growth)
    except PermissionError as error:
        raise PermissionMissing(
            f"cannot read {place.path}", hint="as root, or after chmod"
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"cannot read {place.path}: {error.strerror}",
            hint="oci: names a directory, oci-archive: and docker-archive: a file",
        ) from error


def _has(parts: Parts, name: str) -> bool:
    found = parts.open(name)
    if found is not None:
        found.close()
    return found is not None


def _related(source: Source, tree: Tree) -> list[Document]:
    """All that refers to documents of the tree, and to that in turn, each once.

    Raises:
        HostileInput: there is no end of them.
        ContentMismatch: one is no manifest.
    """
    known = {document.digest for document in tree.documents}
    found: list[Document] = []
    subjects = list(known)
    size = 0
    for _ in range(_DEPTH):
        before = len(found)
        for descriptor in (each for subject in subjects for each in source.referrers(subject)):
            if descriptor.digest in known:
                continue
            require_digest(descriptor)
            known.add(descriptor.digest)
            found.append(source.document(descriptor.digest))
            size += len(found[-1].data)
            _refuse_endless(len(found), size)
        subjects = [each.digest for each in found[before:]]
    unknown = [each for each in found if each.media_type not in MANIFESTS]
    if unknown:
        raise ContentMismatch(f"what refers to the image is no manifest: {unknown[0].digest}")
    return found


def _refuse_endless(count: int, size: int) -> None:
    """All of them are in memory."""
    if count > _MAX_RELATED or size > _MAX_RELATED_BYTES:
        raise HostileInput(
            f"more than {_MAX_RELATED} documents, or {_MAX_RELATED_BYTES >> 20} MiB of them,"
            " refer to the image",
            hint="copy it without --referrers", reference="too-many-referrers",
        )  # fmt: skip


def _require(
    source: Source, found: Document, platform: str, pause: Callable[[float], None]
) -> None:
    """Makes sure that what is no index is for the platform that was asked for.

    Raises:
        NotFound: it is for another one.
    """
    if found.media_type not in MANIFESTS:
        return
    blob = oci.decode_manifest(found.data).config
    if blob.media_type not in oci.CONFIGS:
        return
    check_size(blob.size, "configuration")
    data = bytearray()

    def read() -> None:
        data.clear()
        flow.pour(source, blob, data.extend, hearer=UNHEARD, pause=pause)

    flow.trusting(source, blob, read)
    name = found.digest if source.remote is None else str(source.remote.reference)
    platforms.require(oci.decode_config(bytes(data)), name, platform)

"""Archives that ``copy`` writes: an OCI image layout as one tar, and Docker's form of it.

They are written in one direction: a blob goes from its source into the tar as it comes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Final

from dockyard.errors import ContentMismatch, HostileInput, NotSupported
from dockyard.images import archive_documents as documents
from dockyard.images import ustar
from dockyard.images.growth import Growth
from dockyard.images.untar import DEFAULT_LIMITS
from dockyard.observability.transfers import Track
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.copying import flow
from dockyard.registry.copying.plan import Tree
from dockyard.registry.copying.sources import NAME, TAG, Source
from dockyard.registry.copying.targets import Outcome, entry
from dockyard.registry.model import Document

_BLOCK_BYTES: Final = 1 << 20

Write = Callable[[bytes | memoryview], object]


class _Tar:
    """The files of a layout, each once."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._names: set[str] = set()
        for directory in ("blobs", documents.BLOBS):
            self._header(f"{directory}/", b"5", 0o755, 0)

    def file(self, path: str, size: int, produce: Callable[[Write], object]) -> None:
        """One whose bytes ``produce`` writes, just as many."""
        if path in self._names:
            return
        self._names.add(path)
        self._header(path, b"0", 0o644, size)
        produce(self._write)
        self._write(ustar.padding(size))

    def data(self, path: str, data: bytes) -> None:
        """A small one."""
        self.file(path, len(data), lambda write: write(data))

    def end(self) -> None:
        """What ends a tar."""
        self._write(ustar.END)

    def _header(self, path: str, kind: bytes, mode: int, size: int) -> None:
        made = ustar.Entry(
            path=path.encode(), kind=kind, mode=mode, uid=0, gid=0, size=size, mtime=0
        )
        self._write(ustar.encode(made))


class OciArchive:
    """An OCI image layout as one tar, under a tag if one is given.

    Args:
        directory: for blobs that may turn out to be wrong, as a tar takes nothing back.
    """

    at_once = 1

    def __init__(
        self, write: Write, tag: str, directory: str, pause: Callable[[float], None]
    ) -> None:
        self._tar = _Tar(write)
        self._tag = tag
        self._directory = directory
        self._pause = pause

    def check(self, tree: Tree, related: Sequence[Document]) -> None:
        """Takes anything."""

    def take(self, source: Source, blob: Descriptor, track: Track) -> Outcome:
        """Gets a blob, as it is."""
        track.phase("copying", blob.size)

        def produce(write: Write) -> None:
            if source.remote is None or not source.remote.has_mirrors:
                flow.pour(source, blob, write, hearer=track, pause=self._pause)
                return
            with flow.spooled(source, blob, self._directory, track, self._pause) as file:
                _pass(file, write)

        self._tar.file(documents.blob_path(blob.digest), blob.size, produce)
        return Outcome("copied")

    def finish(self, tree: Tree, related: Sequence[Document]) -> Document:
        """Gets the documents and the index."""
        for document in (*tree.documents, *related):
            self._tar.data(documents.blob_path(document.digest), document.data)
        entries = (entry(tree.top, self._tag), *(entry(each, "") for each in related))
        index = oci.Index(media_type=oci.INDEX, manifests=entries)
        self._tar.data("index.json", oci.encode(index))
        self._tar.data("oci-layout", documents.layout_version())
        self._tar.end()
        return tree.top


class DockerArchive:
    """What every ``docker load`` reads: plain layers, ``manifest.json``; an OCI layout besides.

    The image keeps its ID; its manifest is another one, as its layers are no longer compressed.

    Args:
        name: the image's in the archive; none where it is empty.
        directory: for layers while they are unpacked.
    """

    at_once = 1

    def __init__(
        self, write: Write, name: str, directory: str, pause: Callable[[float], None]
    ) -> None:
        self._tar = _Tar(write)
        self._name = Reference.parse(name) if name else None
        self._directory = directory
        self._pause = pause
        self._plain: dict[str, Descriptor] = {}
        self._config = b""
        self._config_digest = ""

    def check(self, tree: Tree, related: Sequence[Document]) -> None:
        """Refuses all but one image."""
        if related or tree.top.media_type not in oci.MANIFESTS:
            raise NotSupported(
                "an archive of Docker's has one image alone", hint="oci-archive: has room for more"
            )
        manifest = oci.decode_manifest(tree.top.data)
        config = manifest.config
        if config.media_type not in oci.CONFIGS:
            raise NotSupported(
                f"an archive of Docker's has images, not {config.media_type[:80]!r}",
                hint="oci-archive: has room for anything",
            )
        if config.size > oci.MAX_DOCUMENT_BYTES:
            raise HostileInput(f"the image's configuration has {config.size} bytes")
        missing = {each.digest for each in manifest.layers} - {each.digest for each in tree.blobs}
        if missing:
            raise NotSupported(
                f"only its owner may give the layer {min(missing)} away",
                hint="oci-archive: leaves it out; an archive of Docker's can't",
            )
        self._config_digest = config.digest

    def take(self, source: Source, blob: Descriptor, track: Track) -> Outcome:
        """Gets a blob; a layer is unpacked."""
        track.phase("copying", blob.size)
        with flow.spooled(source, blob, self._directory, track, self._pause) as packed:
            if blob.digest == self._config_digest:
                self._config = packed.read()
                self._tar.data(documents.blob_path(blob.digest), self._config)
                return Outcome("copied")
            track.phase("extracting", blob.size)
            with tempfile.TemporaryFile(dir=self._directory) as plain:
                made = self._unpack(packed, plain)
                plain.seek(0)
                self._tar.file(
                    documents.blob_path(made.digest), made.size, lambda write: _pass(plain, write)
                )
                self._plain[blob.digest] = made
        return Outcome("copied")

    def finish(self, tree: Tree, related: Sequence[Document]) -> Document:  # noqa: ARG002  # none
        """Gets the documents."""
        theirs = oci.decode_manifest(tree.top.data)
        layers = tuple(
            self._plain[layer.digest] for layer in theirs.layers if layer.digest in self._plain
        )
        wanted = oci.decode_config(self._config).rootfs.diff_ids
        if wanted != tuple(layer.digest for layer in layers):
            raise ContentMismatch("the image's configuration names other layers than it has")
        config = Descriptor(
            media_type=oci.CONFIG, digest=theirs.config.digest, size=len(self._config)
        )
        data = oci.encode(oci.Manifest(media_type=oci.MANIFEST, config=config, layers=layers))
        made = Document(oci.MANIFEST, digests.of(data), data)
        self._tar.data(documents.blob_path(made.digest), data)
        self._tar.data("index.json", self._index(made))
        self._tar.data("manifest.json", self._listing(config, layers))
        self._tar.data("oci-layout", documents.layout_version())
        self._tar.end()
        return made

    def _unpack(self, packed: IO[bytes], plain: IO[bytes]) -> Descriptor:
        digest, size = hashlib.sha256(), 0
        tar = Growth(self._directory).unpacked(packed, max_bytes=DEFAULT_LIMITS.bytes)
        while data := tar.read(_BLOCK_BYTES):
            digest.update(data)
            plain.write(data)
            size += len(data)
        return Descriptor(
            media_type=oci.LAYER_TAR, digest=digests.PREFIX + digest.hexdigest(), size=size
        )

    def _index(self, made: Document) -> bytes:
        names = {} if self._name is None else {NAME: str(self._name), TAG: self._name.tag or ""}
        named = Descriptor(
            media_type=made.media_type, digest=made.digest, size=len(made.data), annotations=names
        )
        return oci.encode(oci.Index(media_type=oci.INDEX, manifests=(named,)))

    def _listing(self, config: Descriptor, layers: Sequence[Descriptor]) -> bytes:
        listing = {
            "Config": documents.blob_path(config.digest),
            "RepoTags": None if self._name is None else [self._name.familiar],
            "Layers": [documents.blob_path(layer.digest) for layer in layers],
        }
        return json.dumps([listing]).encode()


def _pass(plain: IO[bytes], write: Write) -> None:
    while data := plain.read(_BLOCK_BYTES):
        write(data)

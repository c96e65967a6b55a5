"""``save``: images as one tar that other engines load.

The default form is what Docker writes since version 25: an OCI image layout (OCI image
specification 1.1, "Image Layout") with Docker's ``manifest.json`` in it, so that ``docker load``,
``podman load`` and everything that reads layouts take it. Layers are plain tars, each stored once
however many images share it. The archive is a pure function of the images and their names: small
documents first, then configurations and manifests, then layers base first; every time is 0.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from dockyard.errors import (
    ContentMismatch,
    DiskFull,
    InvalidInput,
    PermissionMissing,
    StateError,
)
from dockyard.images import archive_documents as documents
from dockyard.images import tarwriter, ustar
from dockyard.images.archive_documents import Selection
from dockyard.images.decompress import Unpacked
from dockyard.images.model import STORED, Image, Layer
from dockyard.images.store import ImageStore
from dockyard.images.untar import DEFAULT_LIMITS
from dockyard.observability.progress import Counter, Listener, counted
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference

Layout = Literal["docker", "oci"]
"""``docker`` has ``manifest.json`` besides the OCI layout, ``oci`` is the layout alone."""

Write = Callable[[bytes | memoryview], object]
"""Takes the next part of the archive; a ``memoryview`` is valid only during the call."""

_BUFFER_BYTES = 1 << 20


def select(store: ImageStore, texts: Iterable[str]) -> tuple[Selection, ...]:
    """What the user's words mean to ``save``, each image once, in the order first named.

    A repository without a tag means all its tags, an id an image without a name, as in Docker.

    Raises:
        NotFound, InvalidInput: a text names no image.
    """
    chosen: dict[str, tuple[Image, dict[Reference, None]]] = {}
    for text in texts:
        for image, name in _matches(store, text):
            names = chosen.setdefault(image.id, (image, {}))[1]
            if name is not None:
                names[name] = None
    return tuple(Selection(image, tuple(names)) for image, names in chosen.values())


def save(
    store: ImageStore,
    texts: Iterable[str],
    write: Write,
    *,
    layout: Layout = "docker",
    progress: Listener | None = None,
) -> None:
    """Streams the images that ``texts`` name.

    Args:
        write: takes the parts in order; what it raises ends the save.
        progress: hears how many bytes are written.

    Raises:
        NotFound, InvalidInput: a text names no image.
        ContentMismatch: a layer on disk is not what it was; the archive is useless then.
    """
    selections = select(store, texts)
    counter = Counter(progress, "writing", _content_size(selections))
    save_selected(store, selections, counted(write, counter), layout=layout)
    for selection in selections:
        store.tell("save", selection.image)


def save_selected(
    store: ImageStore, selections: Sequence[Selection], write: Write, *, layout: Layout
) -> None:
    """Streams images under the names given; raises as :func:`save`."""
    with store.held(selection.image for selection in selections):
        _Archive(store, selections, write).run(layout)


def save_to(
    path: str,
    store: ImageStore,
    texts: Iterable[str],
    *,
    layout: Layout = "docker",
    progress: Listener | None = None,
) -> None:
    """Saves to a file that appears complete, with mode 0600, or not at all.

    A device or FIFO at ``path`` is written to instead of replaced. Raises as :func:`save`, and:

    Raises:
        DiskFull: no space left; nothing stays.
        PermissionMissing, StateError: the file can't be written.
    """
    try:
        with output_file(path) as write:
            save(store, texts, write, layout=layout, progress=progress)
    except OSError as error:
        raise unwritable(path, error) from error


@contextlib.contextmanager
def written_to(path: str) -> Iterator[Write]:
    """What is written appears at ``path`` as with :func:`save_to`; ``-`` is standard output."""
    if path == "-":
        with open(1, "wb", closefd=False) as stream:
            yield stream.write
        return
    try:
        with output_file(path) as write:
            yield write
    except OSError as error:
        raise unwritable(path, error) from error


def _content_size(selections: Iterable[Selection]) -> int:
    """Bytes of the layers of an archive, which are nearly all of it."""
    layers = {layer.diff_id: layer.size for one in selections for layer in one.image.layers}
    return sum(layers.values())


class _Archive:
    """One pass over the images."""

    def __init__(self, store: ImageStore, selections: Sequence[Selection], write: Write) -> None:
        self._store = store
        self._selections = selections
        self._write = write
        self._written: set[str] = set()

    def run(self, layout: Layout) -> None:
        manifests = [documents.manifest(selection.image) for selection in self._selections]
        self._file("oci-layout", documents.layout_version())
        self._file("index.json", documents.index(self._selections, manifests))
        if layout == "docker":
            self._file("manifest.json", documents.docker_manifest(self._selections))
        for directory in ("blobs", documents.BLOBS):
            self._header(f"{directory}/", kind=b"5", mode=0o755, size=0)
        for selection, manifest in zip(self._selections, manifests, strict=True):
            self._blob(selection.image.config_bytes)
            self._blob(manifest)
        for selection in self._selections:
            directories = self._store.directories(selection.image)
            for layer, directory in zip(selection.image.layers, directories, strict=True):
                self._layer(layer, directory)
        self._write(ustar.END)

    def _blob(self, data: bytes) -> None:
        digest = digests.of(data)
        if digest not in self._written:
            self._written.add(digest)
            self._file(documents.blob_path(digest), data)

    def _file(self, path: str, data: bytes) -> None:
        self._header(path, kind=b"0", mode=0o644, size=len(data))
        self._write(data)
        self._write(ustar.padding(len(data)))

    def _layer(self, layer: Layer, directory: str) -> None:
        if layer.diff_id in self._written:
            return
        self._written.add(layer.diff_id)
        self._header(documents.blob_path(layer.diff_id), kind=b"0", mode=0o644, size=layer.size)
        write_tar(layer, directory, self._store.blob_of(layer), self._write)
        self._write(ustar.padding(layer.size))

    def _header(self, path: str, *, kind: bytes, mode: int, size: int) -> None:
        entry = ustar.Entry(
            path=path.encode(), kind=kind, mode=mode, uid=0, gid=0, size=size, mtime=0
        )
        self._write(ustar.encode(entry))


def write_tar(layer: Layer, directory: str, blob: str, write: Write) -> None:
    """Streams the tar of one layer, which the caller holds.

    Args:
        directory: the layer's.
        blob: the file of its tar, for one that is :data:`~dockyard.images.model.STORED`.

    Raises:
        ContentMismatch: the layer on disk is not what it was; what was written is useless then.
        StateError: it can't be read.
    """
    checked = _Checked(write)
    if layer.writer == STORED:
        _write_stored(blob, checked.write)
    else:
        tarwriter.write_layer(
            directory, checked.write, epoch=layer.epoch, times=layer.times, writer=layer.writer
        )
    checked.expect(layer)


class _Checked:
    """Passes a layer's tar on and makes sure that it is the one that was recorded."""

    def __init__(self, write: Write) -> None:
        self._forward = write
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, part: bytes | memoryview) -> None:
        self._digest.update(part)
        self._size += len(part)
        self._forward(part)

    def expect(self, layer: Layer) -> None:
        found = digests.PREFIX + self._digest.hexdigest()
        if (found, self._size) != (layer.diff_id, layer.size):
            raise ContentMismatch(
                f"the layer {layer.diff_id} changed on disk",
                context=f"layer directory {layer.id} gives {found}",
                hint="something outside Dockyard wrote to it; remove the image and make it again",
            )


def _write_stored(path: str, write: Write) -> None:
    """Passes on the tar of a layer that came from elsewhere, no longer compressed."""
    try:
        with open(path, "rb") as stream:
            tar = Unpacked(stream, max_bytes=DEFAULT_LIMITS.bytes)
            while data := tar.read(_BUFFER_BYTES):
                write(data)
    except FileNotFoundError as error:
        raise StateError(
            f"cannot read the layer {path}: {error}",
            hint="dockyard doctor looks after the state; build or load the image again",
        ) from error


def _matches(store: ImageStore, text: str) -> Iterator[tuple[Image, Reference | None]]:
    by_tag = text if _has_tag(text) else None
    if by_tag is None:
        tags = _tags_of_repository(store, text)
        if tags:
            yield from tags
            return
    resolution = store.resolve(text)
    yield resolution.image, resolution.reference


def _has_tag(text: str) -> bool:
    return "@" in text or ":" in text.rpartition("/")[2]


def _tags_of_repository(store: ImageStore, text: str) -> list[tuple[Image, Reference | None]]:
    try:
        repository = Reference.parse(text).repository
    except InvalidInput:  # an id may be no valid name; resolving it says what is wrong
        return []
    images = store.list()
    named = [(Reference.parse(name), image) for image in images for name in image.names]
    named.sort(key=lambda pair: str(pair[0]))
    return [(image, name) for name, image in named if name.repository == repository]


@contextlib.contextmanager
def output_file(path: str) -> Iterator[Write]:
    """Writes a file that has its name only once it is complete; devices and pipes as it comes."""
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb", buffering=_BUFFER_BYTES) as stream:
            yield stream.write
        return
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb", buffering=_BUFFER_BYTES) as stream:
            yield stream.write
            stream.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def unwritable(path: str, error: OSError) -> StateError | PermissionMissing:
    """The user's view of an ``OSError`` on a file or directory that he named."""
    why = os.strerror(error.errno or 0)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFull(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return PermissionMissing(
            f"cannot write {path}: {why}", hint="name a file where this user may write"
        )
    return StateError(f"cannot write {path}: {why}", hint="name a file in a directory that exists")

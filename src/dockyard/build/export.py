"""Writes a build's result where ``--output`` says."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from dockyard.build.outputs import Output
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import DockyardError
from dockyard.images import archive, tarwriter, untar
from dockyard.images.archive import Write
from dockyard.images.archive_documents import Selection
from dockyard.images.model import Image
from dockyard.oci import times
from dockyard.oci.reference import Reference
from dockyard.state.paths import unusable


def export(parts: Parts, image: Image, names: Sequence[Reference], output: Output) -> None:
    """Writes an image that is in the store.

    Args:
        names: what archives call it.

    Raises:
        DiskFull, PermissionMissing, StateError: the destination can't be written.
    """
    match output.kind:
        case "local":
            _to_directory(parts, image, output.dest)
        case "tar":
            with archive.written_to(output.dest) as write, _mounted(parts, image) as rootfs:
                _write_tree(image, rootfs, write)
        case "oci" | "docker":
            layout = output.kind
            with archive.written_to(output.dest) as write:
                selection = Selection(image, tuple(names))
                archive.save_selected(parts.images, [selection], write, layout=layout)
        case "image" | "cacheonly":
            pass


@contextlib.contextmanager
def _mounted(parts: Parts, image: Image) -> Iterator[str]:
    """The image's whole filesystem."""
    with parts.images.held([image]), Workspace(parts, "export") as workspace:
        yield workspace.mount_read_only(parts.images.directories(image), "source")


def _write_tree(image: Image, rootfs: str, write: Write) -> None:
    epoch = times.EARLIEST_EPOCH
    if image.config.created:
        epoch = max(epoch, times.parse_rfc3339(image.config.created))
    tarwriter.write_layer(rootfs, write, epoch=epoch, times="clamp")


def _to_directory(parts: Parts, image: Image, destination: str) -> None:
    """Puts the files into a directory, in place of those that are there; others stay.

    They go through a tar, so that no link in the directory leads out of it. As with ``cp``, they
    are this process's, and have no rights on this host: an image is nobody's to trust.
    """
    try:
        os.makedirs(destination, exist_ok=True)
    except OSError as error:
        raise unusable(destination, error) from error
    with _mounted(parts, image) as rootfs, _piped(image, rootfs) as stream:
        owner = (os.geteuid(), os.getegid())
        made = untar.extract(stream, destination, whiteouts=False, owner=owner, rights=False)
    if made.left_out:
        parts.warn(
            f"{made.left_out} device nodes of the image were left out of {destination};"
            " type=tar has them"
        )


@contextlib.contextmanager
def _piped(image: Image, rootfs: str) -> Iterator[BinaryIO]:
    """The tar of a tree, made beside while it is read."""
    reader, writer = os.pipe()
    failures: list[DockyardError | OSError] = []

    def produce() -> None:
        try:
            with open(writer, "wb") as stream:
                _write_tree(image, rootfs, stream.write)
        except (DockyardError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=produce, name="export")
    thread.start()
    try:
        with open(reader, "rb") as stream:
            yield stream
    finally:
        thread.join()
    for failure in failures:
        raise failure

"""``import``: an image of one layer from the tar of a root filesystem."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import BinaryIO

from dockyard.errors import NotSupported
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image
from dockyard.images.store import ImageStore
from dockyard.images.untar import extract
from dockyard.images.workplace import make_root, workplace
from dockyard.observability.progress import Counted, Counter, Listener, size_of
from dockyard.oci import image as oci
from dockyard.oci import times
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.platform import Platform
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.paths import Paths, unusable
from dockyard.system import host


def import_tree(
    stream: BinaryIO,
    *,
    paths: Paths,
    database: Database,
    layers: LayerStore,
    images: ImageStore,
    names: Iterable[Reference],
    execution: ExecutionConfig,
    message: str,
    platform: Platform,
    epoch: int | None,
    progress: Listener | None = None,
) -> Image:
    """Makes the image; the same tar and words give the same one where ``epoch`` is the same.

    Args:
        stream: the tar, plain or compressed; whiteouts mean nothing in it and are refused.
        execution: how containers of the image run.
        epoch: seconds since 1970 for the image and as the latest time of its files; ``None`` is
            now, which is what the image is made from.
        progress: hears how many bytes of the tar were read, and hashed then.

    Raises:
        NotSupported: the platform is not Linux.
        ContentMismatch, HostileInput, NotSupported: see :func:`dockyard.images.untar.extract`.
    """
    host.require_root("importing an image")
    if platform.os != "linux":
        raise NotSupported(f"there are no {platform} containers here", hint="such as linux/amd64")
    created = max(int(time.time()) if epoch is None else epoch, times.EARLIEST_EPOCH)
    with workplace(paths, database, "import") as (holder, directory):
        root = _new_root(directory)
        try:
            read = Counter(progress, "reading", size_of(stream))
            extract(Counted(stream, read), root, whiteouts=False)
            layer = layers.seal(
                layers.publish(root, holder=holder, epoch=created, times="clamp"),
                advance=Counter(progress, "hashing").add,
            )
            moment = times.rfc3339(created)
            config = oci.ImageConfig(
                architecture=platform.architecture, variant=platform.variant, created=moment,
                config=execution, rootfs=oci.RootFilesystem(diff_ids=(layer.diff_id,)),
                history=(oci.History(created=moment, comment=message),),
            )  # fmt: skip
            return images.add(
                oci.encode(config), [layer.id], built=time.time_ns(), names=names, action="import"
            )
        finally:
            layers.release(holder)
            layers.collect(holder)


def _new_root(directory: str) -> str:
    root = f"{directory}/root"
    try:
        make_root(root)
    except OSError as error:
        raise unusable(root, error) from error
    return root

"""Makes base images from Debian's packages, for machines that no registry reaches."""

from __future__ import annotations

import time
from collections.abc import Callable

from dockyard.config import Config
from dockyard.errors import NotFound
from dockyard.images import bootstrap_plan, bootstrap_tree, mmdebstrap
from dockyard.images.bases import Base
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image
from dockyard.images.stock import catalog
from dockyard.images.store import ImageStore
from dockyard.images.workplace import workplace
from dockyard.oci import image as oci
from dockyard.oci.times import EARLIEST_EPOCH
from dockyard.state.database import Database
from dockyard.state.paths import Paths, unusable
from dockyard.system import host

Progress = Callable[[str], None]


def bootstrap(
    base: str,
    *,
    config: Config,
    paths: Paths,
    database: Database,
    layers: LayerStore,
    images: ImageStore,
    mirror: str | None = None,
    force: bool = False,
    progress: Progress,
) -> Image:
    """Makes the image ``localhost/<base>``, or returns it where it is there.

    The same packages give the same image id.

    Args:
        base: a name of :mod:`dockyard.images.stock.catalog`.
        mirror: a Debian mirror to fetch from and to leave in the image; ``config.apt_mirror`` is
            used for fetching only.
        force: make it although it is there, with today's packages.
        progress: gets a sentence before each step.

    Raises:
        InvalidInput: there is no such base, or the mirror makes no sense.
        NotFound: its packages have another version than the one that was asked for; they are made
            into an image all the same.
        PermissionMissing: not root.
        ComponentMissing, ComponentFailed: mmdebstrap is missing, or failed.
        DiskFull: no space left; nothing stays.
    """
    fit = catalog.named(base)
    wanted = fit.base
    existing = None if force else _existing(images, wanted)
    if existing is not None:
        catalog.refuse_other(fit, existing.version)
        progress(f"{wanted.reference} is already there (--force makes it anew)")
        return existing
    command = mmdebstrap.prepare(wanted, mirror=mirror or config.apt_mirror)
    progress(f"making {wanted.reference} from the packages of Debian {wanted.suite}")
    with workplace(paths, database, "bootstrap") as (holder, directory):
        root = f"{directory}/root"
        mmdebstrap.fill(root, command, progress)
        progress("cleaning up and storing the layer")
        epoch, version = _finish(root, wanted, config, keep_mirror=mirror is not None)
        layer = layers.seal(layers.publish(root, holder=holder, epoch=epoch, times="clamp"))
        document = bootstrap_plan.image_config(
            wanted, architecture=host.architecture(), epoch=epoch, version=version,
            diff_ids=(layer.diff_id,),
        )  # fmt: skip
        image = images.add(
            oci.encode(document), [layer.id], built=time.time_ns(), names=(wanted.reference,)
        )
        layers.release(holder)
        layers.collect(holder)
    catalog.refuse_other(fit, version)
    return image


def _existing(images: ImageStore, base: Base) -> Image | None:
    try:
        return images.find(str(base.reference))
    except NotFound:
        return None


def _finish(root: str, base: Base, config: Config, *, keep_mirror: bool) -> tuple[int, str]:
    """Completes the tree; its epoch (seconds since 1970) and the version of what is in it."""
    try:
        epoch = config.source_date_epoch
        if epoch is None:
            epoch = bootstrap_tree.newest_changelog(root)
        epoch = max(epoch, EARLIEST_EPOCH)
        version = bootstrap_tree.version_of(root, base)
        bootstrap_tree.finish(root, epoch=epoch, keep_mirror=keep_mirror)
        if base.service is not None:
            bootstrap_tree.furnish(root, base.service)
    except OSError as error:
        raise unusable(root, error) from error
    return epoch, version

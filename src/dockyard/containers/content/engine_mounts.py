"""Mount points that the engine and the runtime make in a container's own layer."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.containers import spec
from dockyard.containers.model import Container
from dockyard.images.normalise import missing_mount_points
from dockyard.images.view import LowerView

_SYSTEM = ("/proc", "/sys", "/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf")


def made_by_engine(lowers: Sequence[str], container: Container) -> tuple[str, ...]:
    """Paths, relative to the root, that the image lacks and that every start makes.

    Those of volumes and binds are the user's wish, and belong to what the container changed.
    """
    init = (spec.INIT_PATH,) if container.options.init else ()
    return missing_mount_points(LowerView(lowers), (*_SYSTEM, *init))

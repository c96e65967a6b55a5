"""Where mounts end up in a root filesystem whose symlinks are an image's.

A runtime follows them inside the root: a volume at a link to ``/proc`` would lie over ``/proc``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from dockyard.containers import spec
from dockyard.containers.options import Mount
from dockyard.errors import InvalidInput

_MAX_LINKS = 40


def check(rootfs: str, mounts: Sequence[Mount]) -> None:
    """As :func:`spec.check_targets`, of what the targets lead to. Nothing may run in the root yet.

    Raises:
        InvalidInput: a mount in place of what makes a container one.
    """
    for mount in mounts:
        target = resolved(rootfs, mount.target)
        try:
            spec.check_targets([msgspec.structs.replace(mount, target=target)])
        except InvalidInput as error:
            error.context = f"{mount.target} leads to {target}"
            raise


def resolved(rootfs: str, path: str) -> str:
    """The path without symlinks, as it is below the root; also where it doesn't exist yet.

    Raises:
        InvalidInput: too many symlinks.
    """
    ahead, done, links = path.split("/")[::-1], list[str](), 0
    while ahead:
        name = ahead.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            done = done[:-1]
            continue
        try:
            text = os.readlink("/".join([rootfs, *done, name]))
        except OSError:  # no link, or nothing yet
            done.append(name)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise InvalidInput(f"too many symlinks on the way to {path}", exit_code=125)
        done = [] if text.startswith("/") else done
        ahead += text.split("/")[::-1]
    return "/" + "/".join(done)

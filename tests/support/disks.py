"""Disks that are soon full."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator

from tests.support import bases
from tests.support.roots import Root

_PATIENCE = 10.0
"""Seconds."""


@contextlib.contextmanager
def small_disk(directory: str, size: int) -> Iterator[None]:
    """While inside, a directory is an empty filesystem of so many bytes."""
    image = f"{directory}.disk"
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with open(image, "wb") as stream:
        stream.truncate(size)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, directory], check=True)
        try:
            os.chmod(directory, 0o700)
            yield
        finally:
            _unmount(directory)
    finally:
        os.unlink(image)


def _unmount(directory: str) -> None:
    """What the last commands left to do in the background has its files open for a moment."""
    end = time.monotonic() + _PATIENCE
    while subprocess.run(["umount", directory], check=False).returncode != 0:
        if time.monotonic() > end:
            subprocess.run(["umount", directory], check=True)
        time.sleep(0.1)


@contextlib.contextmanager
def small_root(make_root: Callable[..., Root], size: int) -> Iterator[Root]:
    """A root on such a disk, with the images of other roots; all that it took is given back."""
    root = make_root(images=False)
    with small_disk(str(root.base), size):
        try:
            bases.furnish(bases.cached(), root.paths)
            yield root
            assert root.leftovers() == []
        finally:
            root.checked = False
            root.empty()

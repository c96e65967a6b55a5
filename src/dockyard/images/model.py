"""Values of images and layers."""

from typing import Literal

import msgspec

from dockyard.oci.image import VERSION_LABEL, ImageConfig

Times = Literal["clamp", "epoch"]
"""How times of a layer enter its tar, in whole seconds: ``epoch`` gives every entry the epoch,
``clamp`` gives each the earlier of its own time and the epoch. The disk keeps the real ones."""

KEEP_TIMES = 2**33 - 1
"""The epoch that, with ``clamp``, leaves all times as they are: the latest of a tar header."""

STORED = 0
"""Instead of a writer's number: only the tar that came has the layer's digest, so it is kept."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete layer: a directory that overlayfs stacks, and the recipe of its tar.

    ``id`` names the directory, ``diff_id`` is the digest of the tar and ``size`` its length in
    bytes. The tar is made again from ``writer``, ``epoch`` (seconds since 1970) and ``times``;
    where the writer is :data:`STORED`, it came from elsewhere and is kept as it came.
    """

    id: str
    diff_id: str
    size: int
    writer: int
    epoch: int
    times: Times


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image: ``id`` is the digest of ``config_bytes``; ``layers`` go from the base up.

    ``names`` are full references (``docker.io/library/python:3.11``), ``size`` is the sum of the
    layers' sizes in bytes. ``built`` is when it was made, in nanoseconds since 1970: by this host's
    clock, or for one that was pulled as it says itself; 0 where that isn't known.
    ``digests`` are full references by digest (``docker.io/library/python@sha256:...``), under which
    registries have it.
    """

    id: str
    config: ImageConfig
    config_bytes: bytes
    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    built: int
    size: int
    digests: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version of what it is about, as it says itself; empty where it doesn't."""
        return self.config.config.labels.get(VERSION_LABEL, "")

    def __repr__(self) -> str:
        """Its short id and names; all else is long, and of use to programs only."""
        names = f" {', '.join(self.names)}" if self.names else ""
        return f"<Image {self.id.removeprefix('sha256:')[:12]}{names}>"

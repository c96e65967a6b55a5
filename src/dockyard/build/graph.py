"""The graph of a build: vertices, what each does, and what each stands on. Values only.

A vertex yields layers on top of the filesystem that its first input yields. Its definition says
all that its result depends on, apart from content (files of the context, other stages), which
the cache adds when it is known.
"""

from __future__ import annotations

import msgspec

from dockyard.build.dockerfile.source import Location
from dockyard.oci.image import ExecutionConfig, History, ImageConfig


class Base(msgspec.Struct, frozen=True, tag="base"):
    """The filesystem of an existing image; ``image_id`` is empty for ``scratch``."""

    image_id: str


class Run(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """A command in a container; its changes are the layer.

    ``script`` is what a heredoc that is a program of its own (``#!``) runs. ``network`` is
    ``default`` or ``none``.
    """

    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str
    network: str = "default"
    script: str = ""


class File(msgspec.Struct, frozen=True):
    """A file given in the Dockerfile itself, as a heredoc."""

    name: str
    content: str


class Copy(msgspec.Struct, frozen=True, kw_only=True, tag="copy"):
    """Files from the context, or from the second input where ``from_input``.

    ``sources`` are patterns relative to the root of where they come from, ``destination`` is
    absolute and ends with a slash where it must be a directory. ``unpack`` extracts archives (ADD).
    """

    sources: tuple[str, ...]
    files: tuple[File, ...]
    destination: str
    from_input: bool = False
    chown: str = ""
    chmod: str = ""
    unpack: bool = False


class Directory(msgspec.Struct, frozen=True, tag="directory"):
    """WORKDIR: makes a directory where there is none yet."""

    path: str
    user: str


Operation = Base | Run | Copy | Directory


class Vertex(msgspec.Struct, frozen=True, kw_only=True):
    """One step.

    ``inputs`` are indexes of earlier vertices: the filesystem it builds on, then for ``COPY
    --from`` the one it copies from. ``ignored_env`` are variables that the operation gets but
    that don't change its result (proxies). ``epoch`` is in seconds since 1970.
    """

    operation: Operation
    inputs: tuple[int, ...]
    name: str
    location: Location
    epoch: int
    ignored_env: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """A line of the image's history; ``vertex`` made its layers, ``None`` for metadata."""

    history: History
    vertex: int | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole build: vertices in an order in which inputs come first, and the image's metadata."""

    vertices: tuple[Vertex, ...]
    target: int
    base: ImageConfig
    config: ExecutionConfig
    lines: tuple[Line, ...]
    epoch: int
    warnings: tuple[str, ...] = ()

    def needed(self) -> tuple[int, ...]:
        """Vertices that the target depends on, in order."""
        wanted = {self.target} | {line.vertex for line in self.lines if line.vertex is not None}
        for index in range(len(self.vertices) - 1, -1, -1):
            if index in wanted:
                wanted.update(self.vertices[index].inputs)
        return tuple(sorted(wanted))

"""The graph of a build: vertices, what each does, and what each stands on. Values only.

A vertex yields layers on top of the filesystem that its first input yields. Its definition says
all that its result depends on, apart from content (files of the context, other stages), which
the cache adds when it is known.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.build.dockerfile.instructions import Device
from dockyard.build.dockerfile.source import Location
from dockyard.build.remote.address import Git, Web
from dockyard.containers.model import Ulimit
from dockyard.oci.image import ExecutionConfig, History, ImageConfig


class Base(msgspec.Struct, frozen=True, tag="base"):
    """The filesystem of an existing image; ``image_id`` is empty for ``scratch``."""

    image_id: str


class Mount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a RUN sees besides its root.

    ``target`` is absolute; empty for a secret that is only a variable (``env``). ``input`` is
    which of the vertex's inputs is shown, or begins a cache; without one a bind shows the build
    context. ``source`` is a path in it. ``id`` names a cache, secret or agent. ``size`` is in
    bytes; ``mode``, ``uid`` and ``gid`` are ``None`` where the default of the kind counts.
    """

    type: Literal["bind", "cache", "tmpfs", "secret", "ssh"]
    target: str = ""
    input: int | None = None
    source: str = "/"
    read_only: bool = False
    id: str = ""
    sharing: Literal["shared", "private", "locked"] = "shared"
    required: bool = False
    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """A command in a container; its changes are the layer.

    ``script`` is the text of a heredoc that is a program of its own (``#!``), ``script_place``
    where ``args`` look for it. ``network`` is
    ``default``, ``none`` or ``host``; ``insecure`` lifts the sandbox. ``hosts`` are names that
    the command line adds to ``/etc/hosts``, whose addresses don't count; ``shm_size`` is in bytes.
    """

    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str
    network: str = "default"
    script: str = ""
    script_place: str = ""
    mounts: tuple[Mount, ...] = ()
    insecure: bool = False
    hosts: tuple[str, ...] = ()
    shm_size: int | None = None
    ulimits: tuple[Ulimit, ...] = ()
    devices: tuple[Device, ...] = ()


class File(msgspec.Struct, frozen=True):
    """A file given in the Dockerfile itself, as a heredoc."""

    name: str
    content: str


class Source(msgspec.Struct, frozen=True):
    """Files to copy: a pattern relative to the root of where they are.

    ``input`` is which of the vertex's inputs they are in, 0 for the context. ``unpack`` extracts
    archives (ADD).
    """

    pattern: str
    input: int = 0
    unpack: bool = False


class Copy(msgspec.Struct, frozen=True, kw_only=True, tag="copy"):
    """Files from the context or from other inputs.

    ``destination`` is absolute and ends with a slash where it must be a directory. ``parents``
    keeps the sources' directories, ``exclude`` are patterns of what is left out of directories.
    ``link`` makes the layer without regard to what is below. ``origin`` names another context
    (``--build-context``) than the build's own.
    """

    sources: tuple[Source, ...]
    files: tuple[File, ...] = ()
    destination: str
    chown: str = ""
    chmod: str = ""
    parents: bool = False
    exclude: tuple[str, ...] = ()
    link: bool = False
    origin: str = ""


class Directory(msgspec.Struct, frozen=True, tag="directory"):
    """WORKDIR: makes a directory where there is none yet."""

    path: str
    user: str


Operation = Base | Run | Copy | Directory | Git | Web


class Vertex(msgspec.Struct, frozen=True, kw_only=True):
    """One step.

    ``inputs`` are indexes of earlier vertices: the filesystem it builds on, then those that it
    copies from (``COPY --from``) or mounts (``RUN --mount=from=``). ``ignored_env`` are variables
    that the operation gets but that don't change its result (proxies). ``epoch`` is in seconds
    since 1970.
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
    uncached: frozenset[int] = frozenset()
    """Vertices that are done anew whatever the cache has."""

    def chain(self, top: int | None = None) -> tuple[int, ...]:
        """The vertices whose layers make a filesystem, the lowest first; that of the target."""
        found: list[int] = []
        vertex: int | None = self.target if top is None else top
        while vertex is not None:
            found.append(vertex)
            inputs = self.vertices[vertex].inputs
            vertex = inputs[0] if inputs else None
        return tuple(reversed(found))

    def needed(self) -> tuple[int, ...]:
        """Vertices that the target depends on, in order."""
        wanted = {self.target} | {line.vertex for line in self.lines if line.vertex is not None}
        for index in range(len(self.vertices) - 1, -1, -1):
            if index in wanted:
                wanted.update(self.vertices[index].inputs)
        return tuple(sorted(wanted))

"""What is stored as it came: compressed layers beside the unpacked ones, and parts of what is being
fetched, or was when a command broke off."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from dockyard.oci import digest as digests
from dockyard.state.database import Database
from dockyard.state.paths import Paths

_BLOCK_BYTES = 512


class Stored(msgspec.Struct, frozen=True):
    """A file: its bytes on disk, and ids of the layers that need it; none of them need a part."""

    size: int
    layers: frozenset[str] = frozenset()


def stored(paths: Paths, database: Database) -> tuple[Stored, ...]:
    """All of them, each once whatever names it has. Files of models are not among them."""
    owners: dict[str, set[str]] = defaultdict(set)
    of_models = set()
    for digest, owner in database.query("SELECT digest, owner FROM content"):
        kind, _, name = owner.partition(":")
        if kind == "layer":
            owners[digest].add(name)
        elif kind == "model":
            of_models.add(digest)
    files: dict[int, tuple[int, set[str]]] = {}
    for name, status in _files(paths.content):
        digest = digests.PREFIX + name
        if digest not in of_models or digest in owners:
            files[status.st_ino] = (status.st_size, set(owners[digest]))
    for name, status in _files(paths.blobs):
        files.setdefault(status.st_ino, (status.st_size, set()))[1].add(name)
    parts = [Stored(status.st_blocks * _BLOCK_BYTES) for _, status in _files(paths.downloads)]
    found = (Stored(size, frozenset(layers)) for size, layers in files.values())
    return (*found, *(part for part in parts if part.size))


def _files(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(directory) as scan:
        for entry in scan:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False)

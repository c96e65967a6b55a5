"""What an image holds, as flat text that can be compared: files, configuration, history.

It is read from an archive of ``docker save``, by code that shares nothing with Dockyard's own, so
that the same eyes look at Dockyard's images and at Docker's.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

Summary = dict[str, str]
"""``file /path``, ``config Env``, ``history 0``, ``layers`` to a description."""

_SHOWN_BYTES = 400
_CONFIG = (
    "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Labels",
    "StopSignal", "Healthcheck", "Shell", "OnBuild",
)  # fmt: skip
_KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.GNUTYPE_SPARSE: "file",
    tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link", tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "character device", tarfile.BLKTYPE: "block device",
}  # fmt: skip
_MOUNT_POINTS = ("/dev", "/proc", "/sys")
_XATTR = "SCHILY.xattr."
_SUFFIX = " # buildkit"
"""What BuildKit adds to the history of its own steps; Dockyard doesn't claim to be BuildKit."""


@dataclass
class Node:
    """A file of any kind; hard links share one. Times are not part of it."""

    text: str
    names: set[str] = field(default_factory=set)


Tree = dict[str, Node]


@dataclass(frozen=True)
class Saved:
    """One image of an archive."""

    config: Mapping[str, Any]
    layers: Sequence[str]
    """Digests, base first."""
    empty: Sequence[bool]
    """Which layers change nothing."""
    tree: Mapping[str, str]


class Archive:
    """An archive of ``save``, with any number of images."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=stream)  # noqa: SIM115  lives as long as the archive
        self._entries = {entry["RepoTags"][0]: entry for entry in self._json("manifest.json")}

    def image(self, name: str) -> Saved:
        """The image of that name."""
        entry = self._entries[name]
        config = self._json(entry["Config"])
        tree: Tree = {}
        empty = []
        for layer in entry["Layers"]:
            stream = self._tar.extractfile(layer)
            assert stream is not None
            before = {path: describe(tree, path) for path in tree}
            apply(tree, stream)
            empty.append(before == {path: describe(tree, path) for path in tree})
        found = {path: describe(tree, path) for path in tree}
        return Saved(config, tuple(config["rootfs"]["diff_ids"] or ()), empty, found)

    def _json(self, name: str) -> Any:
        stream = self._tar.extractfile(name)
        assert stream is not None
        return json.load(stream)


def apply(tree: Tree, layer: IO[bytes]) -> None:
    """Applies a layer, as the OCI image specification says: whiteouts first."""
    with tarfile.open(fileobj=layer) as tar:
        members = [each for each in tar.getmembers() if not _is_mount_point(each)]
        for member in members:
            directory, name = os.path.split(_path(member.name))
            if name == ".wh..wh..opq":
                _remove_below(tree, directory)
            elif name.startswith(".wh."):
                _remove(tree, os.path.join(directory, name.removeprefix(".wh.")))
        for member in members:
            path = _path(member.name)
            if os.path.basename(path).startswith(".wh."):
                continue
            node = tree[_path(member.linkname)] if member.islnk() else _node(tar, member)
            if not member.isdir() or (path in tree and not tree[path].text.startswith("directory")):
                _remove(tree, path)
            tree[path] = node
            node.names.add(path)


def _is_mount_point(member: tarfile.TarInfo) -> bool:
    """What Docker's RUN leaves in an image that has no such directory; Dockyard's doesn't."""
    return _path(member.name) in _MOUNT_POINTS and member.isdir() and member.mode == 0o755


def _path(name: str) -> str:
    return os.path.normpath("/" + name.removeprefix("./")).replace("//", "/")


def _remove_below(tree: Tree, directory: str) -> None:
    for path in [each for each in tree if each.startswith(directory.rstrip("/") + "/")]:
        tree.pop(path).names.discard(path)


def _remove(tree: Tree, path: str) -> None:
    _remove_below(tree, path)
    if path in tree:
        tree.pop(path).names.discard(path)


def _node(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Node:
    parts = [_KINDS[member.type], f"{member.mode & 0o7777:04o} {member.uid}:{member.gid}"]
    if member.issym():
        parts[1:] = [f"{member.uid}:{member.gid} -> {member.linkname}"]
    elif member.ischr() or member.isblk():
        parts.append(f"{member.devmajor}:{member.devminor}")
    elif member.isreg():
        stream = tar.extractfile(member)
        assert stream is not None
        parts.append(content(stream.read()))
    xattrs = {k: v for k, v in sorted(member.pax_headers.items()) if k.startswith(_XATTR)}
    parts += [f"{name.removeprefix(_XATTR)}={value!r}" for name, value in xattrs.items()]
    return Node(" ".join(parts))


def content(data: bytes) -> str:
    """Short text as it is, everything else by size and digest."""
    if len(data) <= _SHOWN_BYTES:
        return ascii(data.decode(errors="surrogateescape"))
    return f"{len(data)} bytes sha256:{hashlib.sha256(data).hexdigest()}"


def describe(tree: Tree, path: str) -> str:
    """The node at a path, with its other names."""
    node = tree[path]
    others = sorted(node.names - {path})
    return node.text + (f" also {' '.join(others)}" if others else "")


def summary(image: Saved, base: Saved) -> Summary:
    """All of an image that two builders must agree on; what is just as in its base is left out."""
    on_base = tuple(image.layers[: len(base.layers)]) == tuple(base.layers)
    below = base.tree if on_base else {}
    skipped = len(base.config.get("history") or []) if on_base else 0
    found = {
        f"file {shown(path)}": image.tree.get(path, "removed")
        for path in sorted({*image.tree, *below})
        if image.tree.get(path) != below.get(path)
    }
    found |= {f"history {n}": line for n, line in enumerate(_history(image)[skipped:])}
    found |= dict(_configuration(image.config))
    found["layers"] = str(image.empty[len(base.layers) if on_base else 0 :].count(False))
    return found


def shown(path: str) -> str:
    """A path in ASCII, whatever its bytes are."""
    return ascii(path)[1:-1]


def _history(image: Saved) -> list[str]:
    """What made the image, and which of it has a layer that changes something."""
    empty = iter(image.empty)
    found = []
    for line in image.config.get("history") or []:
        nothing = line.get("empty_layer") or next(empty)
        text = str(line.get("created_by", "")).removesuffix(_SUFFIX)
        found.append(text + (" (empty)" if nothing else ""))
    return found


def _configuration(config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    execution = config.get("config") or {}
    for name in _CONFIG:
        value = execution.get(name)
        if value not in (None, "", {}):
            yield f"config {name}", json.dumps(value, sort_keys=True)
    for name in ("author", "os", "architecture"):
        if config.get(name):
            yield name, str(config[name])

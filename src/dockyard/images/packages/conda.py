"""Packages that conda, mamba, pixi and their like installed: ``conda-meta/*.json``.

Each document has ``name``, ``version`` and ``paths_data``: for each path relative to the prefix
its type, its digest, and its digest once the prefix was written into it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import msgspec

from dockyard import decoding
from dockyard.images.packages import survey
from dockyard.images.packages.model import Claim, Distribution
from dockyard.images.packages.names import is_name, normalised, version_or_nothing

_MOST_BYTES = 12 << 20
_MOST_PACKAGES = 10_000
_DIGEST_BYTES = 32


class _Path(msgspec.Struct, frozen=True, gc=False):
    path: str = msgspec.field(name="_path")
    path_type: str | None = None
    sha256: str | None = None
    sha256_in_prefix: str | None = None
    size_in_bytes: int | None = None
    prefix_placeholder: str | None = None


class _Paths(msgspec.Struct, frozen=True):
    paths: tuple[_Path, ...] = ()


class _Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    paths_data: _Paths = _Paths()


def packages(root: int, directory: str) -> Iterator[tuple[Distribution, Iterator[Claim]]]:
    """The packages of one environment, in the order of their records' names.

    Args:
        root: descriptor of the step's directory.
        directory: path of the ``conda-meta`` in it.
    """
    prefix = posixpath.dirname(directory)
    names = [name for name in survey.names_in(root, directory) if name.endswith(".json")]
    for name in names[:_MOST_PACKAGES]:
        package = _decode(survey.read(root, f"{directory}/{name}", _MOST_BYTES) or b"")
        if package is not None and is_name(package.name.strip("_")):
            yield _distribution(package, prefix), _claims(package, prefix)


def _claims(package: _Package, prefix: str) -> Iterator[Claim]:
    for each in package.paths_data.paths:
        claim = _claim(each, prefix)
        if claim is not None:
            yield claim


def _decode(data: bytes) -> _Package | None:
    try:
        return decoding.from_json(data, _Package)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _distribution(package: _Package, prefix: str) -> Distribution:
    return Distribution(
        name=package.name, version=version_or_nothing(package.version),
        key=normalised(package.name), place=prefix,
    )  # fmt: skip


def _claim(entry: _Path, prefix: str) -> Claim | None:
    path = posixpath.normpath(entry.path)
    if path in {".", ".."} or path.startswith(("/", "../")) or "\0" in path:
        return None
    path = posixpath.join(prefix, path)
    if entry.path_type == "softlink":
        return Claim(path)  # the digest is that of where it leads
    replaced = entry.sha256_in_prefix or entry.prefix_placeholder
    size = -1 if replaced or entry.size_in_bytes is None else entry.size_in_bytes
    said = entry.sha256_in_prefix or (None if entry.prefix_placeholder else entry.sha256)
    if not said:
        return Claim(path, size)
    try:
        digest = bytes.fromhex(said)
    except ValueError:
        return None
    return Claim(path, size, "sha256", digest) if len(digest) == _DIGEST_BYTES else None

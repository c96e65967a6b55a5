"""Distributions that pip, uv and their like installed: ``*.dist-info`` with a RECORD.

Formats: "Recording installed projects" and "Core metadata" of PyPA's specifications; RECORD is CSV
with path (relative to the directory that holds ``*.dist-info``), ``algorithm=base64``, size.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import posixpath
from collections.abc import Iterator

from dockyard.decoding import natural
from dockyard.images.packages import survey
from dockyard.images.packages.model import Claim, Distribution
from dockyard.images.packages.names import is_name, normalised, version_or_nothing

RECORD = "RECORD"
OF_THE_INSTALLER = frozenset({
    RECORD, "RECORD.jws", "RECORD.p7s", "REQUESTED", "INSTALLER", "direct_url.json",
    "uv_cache.json", "uv_build.json",
})  # fmt: skip
"""What an installer notes of an installation, in ``*.dist-info``; it stays with the rest.

``REQUESTED`` comes when a dependency is asked for by name, and the RECORD lists it: with them in
its layer, a package would be sent anew because a line was added to a file of requirements.
"""

_MOST_RECORD_BYTES = 8 << 20
_MOST_METADATA_BYTES = 4 << 20
_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


def distribution(root: int, directory: str) -> Distribution | None:
    """Who was installed; ``None`` where the names make no sense.

    Args:
        root: descriptor of the step's directory.
        directory: path of the ``*.dist-info`` in it.
    """
    base = posixpath.basename(directory).removesuffix(survey.DIST_INFO)
    name, _, version = base.rpartition("-")
    data = survey.read(root, f"{directory}/METADATA", _MOST_METADATA_BYTES)
    said = _headers(data or b"")
    if normalised(said.get("name", "")) == normalised(name):
        name, version = said["name"], said.get("version", version)
    if not is_name(name):
        return None
    place = posixpath.dirname(directory)
    version = version_or_nothing(version)
    return Distribution(name=name, version=version, key=normalised(name), place=place)


def claims(root: int, directory: str) -> Iterator[Claim]:
    """What the RECORD lists, but for the installer's own notes.

    Raises:
        ValueError, csv.Error: it is no RECORD, as may turn out in its midst.
    """
    data = survey.read(root, f"{directory}/{RECORD}", _MOST_RECORD_BYTES)
    yield from read_record((data or b"").decode(), directory)


def read_record(text: str, directory: str) -> Iterator[Claim]:
    """Reads a RECORD. Pure.

    What leads out of the root, and what says a digest that can't be checked, is no claim.

    Raises:
        csv.Error: it is no CSV.
    """
    place = posixpath.dirname(directory)
    for row in csv.reader(io.StringIO(text, newline=""), strict=True):
        path = _path(row[0], place) if row else None
        if path is None:
            continue
        parent, name = posixpath.split(path)
        if parent == directory and name in OF_THE_INSTALLER:
            continue
        checks = _digest(row[1] if len(row) > 1 else "")
        if checks is None:
            continue
        size = natural(row[2]) if len(row) > 2 and row[2] else None
        yield Claim(path, -1 if size is None else size, *checks)


def _path(text: str, place: str) -> str | None:
    """Where a path of the RECORD is, relative to the root; ``None`` where it leads out of it."""
    if not text or "\0" in text or text.endswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(place, text)).lstrip("/")
    return None if path in {"", ".", ".."} or path.startswith("../") else path


def _digest(text: str) -> tuple[str, bytes] | None:
    """Algorithm and digest, empty where nothing is said; ``None`` for what can't be checked."""
    if not text:
        return "", b""
    algorithm, _, value = text.partition("=")
    if algorithm not in _DIGEST_BYTES:
        return None
    try:
        digest = base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return (algorithm, digest) if len(digest) == _DIGEST_BYTES[algorithm] else None


def _headers(data: bytes) -> dict[str, str]:
    """The first fields of METADATA, by their names in lower case, each as it comes first."""
    found: dict[str, str] = {}
    for line in data.partition(b"\n\n")[0].splitlines():
        name, colon, value = line.decode(errors="replace").partition(":")
        if colon and name[:1].strip():
            found.setdefault(name.lower(), value.strip())
    return found

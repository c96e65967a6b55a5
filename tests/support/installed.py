"""Installed distributions as pip and conda leave them, made by hand."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path


def wheel(
    site: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    lied: Mapping[str, bytes] | None = None,
    more: str = "",
    requested: bool = False,
) -> Path:
    """Installs files, by paths relative to ``site``, and their ``*.dist-info``.

    Args:
        lied: files that are there with this content, though the RECORD says the other.
        more: lines that the RECORD has besides.
    """
    info = f"{name}-{version}.dist-info"
    whole = dict(files)
    whole[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    )
    whole[f"{info}/INSTALLER"] = b"pip\n"
    if requested:
        whole[f"{info}/REQUESTED"] = b""
    for path, data in {**whole, **(lied or {})}.items():
        place = Path(os.path.normpath(site / path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    lines = [row(path, data) for path, data in whole.items()]
    (site / info / "RECORD").write_text("\n".join([*lines, f"{info}/RECORD,,", more]) + "\n")
    return site / info


def row(path: str, data: bytes) -> str:
    """A line of a RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}"


def conda(prefix: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Installs files, by paths relative to ``prefix``, and their record."""
    paths = []
    for path, data in files.items():
        (prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        paths.append(
            {"_path": path, "path_type": "hardlink", "sha256": "0" * 64,
             "sha256_in_prefix": digest, "size_in_bytes": len(data) + 7}
        )  # fmt: skip
    (prefix / "conda-meta").mkdir(parents=True, exist_ok=True)
    record = prefix / "conda-meta" / f"{name}-{version}-0.json"
    document = {
        "name": name, "version": version, "paths_data": {"paths": paths, "paths_version": 1},
    }  # fmt: skip
    record.write_text(json.dumps(document))
    return record

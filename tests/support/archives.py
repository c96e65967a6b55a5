"""Image archives made by the tests: right ones, and ones that no honest program writes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

Files = dict[str, bytes]


def layer(**files: bytes | None) -> bytes:
    """The tar of a layer, as another program may write it: with names of owners, no directories.

    A value of ``None`` makes a whiteout.
    """
    return tar({(name if data is not None else f".wh.{name}"): data or b""
                for name, data in files.items()})  # fmt: skip


def tar(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar of files, in their order; a TarInfo is an entry without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            entry = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            entry.size, entry.uname, entry.mtime = len(data), "somebody", 1_700_000_000
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symlink."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    """Another name of a file."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.LNKTYPE, target
    return entry


def digest(data: bytes) -> str:
    """The hexadecimal digits of its digest."""
    return hashlib.sha256(data).hexdigest()


def config(layers: Sequence[bytes], **changes: Any) -> bytes:
    """An image configuration for layers."""
    document = {
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Cmd": ["sh"], "Labels": None},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(each)}" for each in layers]},
        "history": [{"created_by": f"layer {n}"} for n in range(len(layers))],
    }  # fmt: skip
    return json.dumps(document | changes).encode()


def docker(layers: Sequence[bytes], *names: str, **changes: Any) -> Files:
    """The files of an archive in Docker's old form: directories named at random, config last."""
    document = config(layers, **changes)
    paths = [f"{number:064x}/layer.tar" for number in range(len(layers))]
    listing = [{"Config": f"{digest(document)}.json", "RepoTags": list(names), "Layers": paths}]
    return {
        **dict(zip(paths, layers, strict=True)),
        f"{digest(document)}.json": document,
        "manifest.json": json.dumps(listing).encode(),
    }


def oci(layers: Sequence[bytes], name: str | None = None, **changes: Any) -> Files:
    """The files of an OCI image layout whose layers are compressed."""
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def put(kind: str, data: bytes, **more: Any) -> dict[str, Any]:
        files[f"blobs/sha256/{digest(data)}"] = data
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": f"sha256:{digest(data)}", "size": len(data), **more}

    manifest = {
        "schemaVersion": 2,
        "config": put("config.v1+json", config(layers, **changes)),
        "layers": [put("layer.v1.tar+gzip", gzip.compress(each, mtime=0)) for each in layers],
    }
    more = {"annotations": {"io.containerd.image.name": name}} if name else {}
    top = put("manifest.v1+json", json.dumps(manifest).encode(), **more)
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
    return files

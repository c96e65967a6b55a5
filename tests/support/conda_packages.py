"""Conda packages made of wheels, for a real installer of conda packages (rattler, pixi's)."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

SITE = "lib/python3.11/site-packages"
PLACEHOLDER = "/opt/" + "placehold_" * 20
INSTALL = """\
import asyncio, os, sys, rattler
from rattler import index

async def main(channel, prefix, names):
    await index.index_fs(channel)
    specs = [rattler.MatchSpec(name) for name in names]
    found = await rattler.solve(
        [rattler.Channel("file://" + channel)], specs, platforms=["linux-64"], virtual_packages=[]
    )
    await rattler.install(found, target_prefix=prefix, cache_dir=prefix + "/pkgs")

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
os._exit(0)  # its threads crash now and then when Python takes itself apart
"""


def channel_of(wheels: Path, names: tuple[str, ...]) -> None:
    """Makes ``channel/`` and ``install.py`` in a directory of wheels."""
    (wheels / "install.py").write_text(INSTALL)
    target = wheels / "channel" / "linux-64"
    target.mkdir(parents=True, exist_ok=True)
    for wheel in sorted(wheels.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        if name not in names:
            continue
        with zipfile.ZipFile(wheel) as archive:
            files = {
                f"{SITE}/{path}": archive.read(path)
                for path in archive.namelist() if not path.endswith("/")
            }  # fmt: skip
        _pack(target, name, version, files)


def _pack(target: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    """A package with those files, a script that names its prefix, and a link."""
    script, link = f"bin/{name}-tool", f"share/{name}"
    text = f"#!{PLACEHOLDER}/bin/python\nprint({name!r})\n".encode()
    paths = [_path(path, data) for path, data in files.items()]
    paths += [
        {**_path(script, text), "prefix_placeholder": PLACEHOLDER, "file_mode": "text"},
        {**_path(link, text), "path_type": "softlink"},
    ]
    index = {
        "name": name, "version": version, "build": "0", "build_number": 0, "depends": [],
        "subdir": "linux-64", "arch": "x86_64", "platform": "linux",
    }  # fmt: skip
    info = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": "\n".join([*files, script, link]).encode(),
        "info/about.json": b"{}",
    }
    with tarfile.open(target / f"{name}-{version}-0.tar.bz2", "w:bz2", compresslevel=1) as tar:
        for path, data in {**info, **files, script: text}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755 if path == script else 0o644
            tar.addfile(entry, io.BytesIO(data))
        entry = tarfile.TarInfo(link)
        entry.type, entry.linkname = tarfile.SYMTYPE, f"../{script}"
        tar.addfile(entry)


def _path(path: str, data: bytes) -> dict[str, object]:
    return {
        "_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }  # fmt: skip

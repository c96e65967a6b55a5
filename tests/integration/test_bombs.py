"""Archives that are far larger than they look, by every way in that there is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import zstandard
from tests.support import archives, servers
from tests.support.roots import Root

from dockyard import Engine
from dockyard.errors import DiskFull, HostileInput
from dockyard.images import growth
from dockyard.images.growth import Bounds
from dockyard.state import room
from dockyard.state.room import Free

MIB = 1 << 20
SMALL = Bounds(free=MIB)
"""The real ratios, but only 1 MiB is free, so that tests needn't write gigabytes."""

Pack = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    packed: bytes = zstandard.ZstdCompressor().compress(data)
    return packed


PACKS: dict[str, Pack] = {"gzip": gzip.compress, "zstd": zstd, "xz": lzma.compress,
                          "bzip2": bz2.compress}  # fmt: skip


@pytest.fixture
def engine(bare: Root) -> Iterator[Engine]:
    with bare.engine() as engine:
        yield engine


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "BOUNDS", SMALL)


def tar(content: bytes, name: str = "file") -> bytes:
    return archives.tar({name: content})


def oci(layer: bytes, pack: Pack, kind: str) -> archives.Files:
    """A layout whose layer is packed in that way."""
    files = archives.oci([layer], "bomb:1")
    plain = gzip.compress(layer, mtime=0)
    packed = pack(layer)
    text = files.pop(f"blobs/sha256/{archives.digest(plain)}")
    assert text == plain
    files[f"blobs/sha256/{archives.digest(packed)}"] = packed
    (name,) = (name for name, data in files.items() if b'"layers"' in data and b"gzip" in data)
    manifest = json.loads(files.pop(name))
    manifest["layers"][0] = {
        "mediaType": f"application/vnd.oci.image.layer.v1.tar+{kind}",
        "digest": f"sha256:{archives.digest(packed)}", "size": len(packed),
    }  # fmt: skip
    written = json.dumps(manifest).encode()
    files[f"blobs/sha256/{archives.digest(written)}"] = written
    index = json.loads(files["index.json"])
    index["manifests"][0] |= {"digest": f"sha256:{archives.digest(written)}", "size": len(written)}
    return {**files, "index.json": json.dumps(index).encode()}


def by_load(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    engine.load(io.BytesIO(archives.tar(oci(layer, pack, kind))))


def by_load_of_a_directory(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    for name, data in oci(layer, pack, kind).items():
        (base / "layout" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "layout" / name).write_bytes(data)
    engine.load(str(base / "layout"))


def by_load_of_a_packed_archive(
    engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path
) -> None:
    engine.load(io.BytesIO(pack(archives.tar(archives.docker([layer], "bomb:1")))))


def by_import(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    engine.import_tree(io.BytesIO(pack(layer)))


def by_add(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    (base / "packed").write_bytes(pack(layer))
    (base / "Dockerfile").write_text("FROM scratch\nADD packed /there/\n")
    engine.build(str(base))


def by_add_from_the_web(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    with servers.web() as web:
        web.file("/packed", pack(layer))
        (base / "Dockerfile").write_text(f"FROM scratch\nADD --unpack {web.url}/packed /there/\n")
        engine.build(str(base))


def by_a_context(engine: Engine, layer: bytes, pack: Pack, kind: str, base: Path) -> None:
    engine.build(io.BytesIO(pack(layer + tar(b"FROM scratch\n", "Dockerfile"))))


WAYS = (by_load, by_load_of_a_directory, by_load_of_a_packed_archive, by_import, by_add,
        by_add_from_the_web, by_a_context)  # fmt: skip


def assert_nothing_left(root: Root, engine: Engine) -> None:
    """Not even the file of the web, which is a result of its own, is more than was sent."""
    assert engine.images.list() == ()
    engine.parts.layers.collect()
    kept = sum(path.stat().st_blocks * 512 for path in Path(root.paths.layers).rglob("*"))
    assert kept < MIB
    for place in (root.paths.content, root.paths.workspaces):
        assert os.listdir(place) == []
    assert os.listdir(root.paths.blobs) == ["sha256"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.usefixtures("small")
def test_a_bomb_is_refused_and_leaves_nothing(
    way: Callable[..., None], kind: str, engine: Engine, bare: Root, tmp_path: Path
) -> None:
    with pytest.raises(HostileInput, match="more than 500 times its size") as caught:
        way(engine, tar(b"A" * (20 * MIB)), PACKS[kind], kind, tmp_path)
    assert caught.value.reference == "decompression-bomb"
    assert "decompress it first" in (caught.value.hint or "")
    assert_nothing_left(bare, engine)


@pytest.mark.parametrize("kind", PACKS)
@pytest.mark.usefixtures("small")
def test_every_compression_has_the_same_bound(
    kind: str, engine: Engine, bare: Root, tmp_path: Path
) -> None:
    with pytest.raises(HostileInput, match="more than 500 times its size"):
        by_import(engine, tar(b"abcd" * (5 * MIB)), PACKS[kind], kind, tmp_path)
    assert_nothing_left(bare, engine)


@pytest.mark.parametrize("way", ["import", "load", "build"])
def test_the_bounds_as_they_are_by_the_command_line(way: str, bare: Root, tmp_path: Path) -> None:
    """What an audit found: 65 KB that became 2.15 GB."""
    packed = tmp_path / "packed"
    packer = zstandard.ZstdCompressor().compressobj()
    entry = tarfile.TarInfo("zeros")
    entry.size = 2050 * MIB
    with packed.open("wb") as stream:
        stream.write(packer.compress(entry.tobuf(tarfile.GNU_FORMAT)))
        for _ in range(2050):
            stream.write(packer.compress(bytes(MIB)))
        stream.write(packer.compress(bytes(1024)) + packer.flush())
    (tmp_path / "Dockerfile").write_text("FROM scratch\nADD packed /there/\n")
    assert packed.stat().st_size < 70_000

    words = {"import": ["import", str(packed)], "load": ["load", "-i", str(packed)],
             "build": ["build", str(tmp_path)]}  # fmt: skip
    done = bare.cli(*words[way])
    assert done.returncode == 1
    assert "grows to more than 5000 times its size" in done.stderr
    assert "hint: it looks like a decompression bomb" in done.stderr
    with bare.engine() as engine:
        assert_nothing_left(bare, engine)


@pytest.mark.parametrize("way", [by_load, by_load_of_a_packed_archive, by_import, by_add])
@pytest.mark.usefixtures("small")
def test_zeros_of_a_real_layer_are_kept_as_holes(
    way: Callable[..., None], engine: Engine, bare: Root, tmp_path: Path
) -> None:
    """No gzip of zeros is refused: a database's files are like that, and /var/log/lastlog."""
    way(engine, tar(bytes(32 * MIB) + b"end"), gzip.compress, "gzip", tmp_path)
    (found,) = (path for path in Path(bare.paths.layers).rglob("file") if path.is_file())
    assert found.stat().st_size == 32 * MIB + 3
    assert found.stat().st_blocks * 512 < MIB
    with found.open("rb") as stream:
        assert stream.read(MIB) == bytes(MIB)
        stream.seek(32 * MIB)
        assert stream.read() == b"end"


@pytest.mark.usefixtures("small")
def test_what_is_plain_may_have_any_content(engine: Engine, tmp_path: Path) -> None:
    by_import(engine, tar(b"A" * (20 * MIB)), bytes, "", tmp_path)
    assert len(engine.images.list()) == 1


@pytest.mark.usefixtures("small")
def test_a_file_that_only_says_that_it_has_zeros_is_bounded_too(
    engine: Engine, bare: Root, tmp_path: Path
) -> None:
    """A sparse entry of a plain tar: 2 KiB that would be a gigabyte."""
    headers = {
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "f",
        "GNU.sparse.size": str(1 << 30), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1",
    }  # fmt: skip
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("f")
        entry.size, entry.pax_headers = 1, headers
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(HostileInput, match="more than 5000 times its size"):
        by_import(engine, buffer.getvalue(), bytes, "", tmp_path)
    assert_nothing_left(bare, engine)


@pytest.mark.usefixtures("small")
def test_bombs_in_bombs_are_measured_by_what_came_in(engine: Engine, bare: Root) -> None:
    """Neither the archive nor its layer passes the bound alone."""
    layer = tar(bytes(range(40, 120)) * (MIB // 2))
    once = archives.tar(oci(layer, gzip.compress, "gzip"))
    twice = gzip.compress(once)
    assert len(layer) / len(gzip.compress(layer)) < SMALL.ratio
    assert len(once) / len(twice) < SMALL.ratio
    with pytest.raises(HostileInput, match="times its size"):
        engine.load(io.BytesIO(twice))
    assert_nothing_left(bare, engine)


def test_a_layer_that_is_named_over_and_over_is_counted_each_time(
    engine: Engine, bare: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose meaning depends on those below is unpacked again above each other one."""
    monkeypatch.setattr(growth, "BOUNDS", Bounds(free=MIB, ratio=5))
    top = archives.tar({"d/.wh..wh..opq": b"", "d/own": os.urandom(MIB)})
    files: archives.Files = {}
    listing = []
    for number in range(8):
        one = archives.docker([archives.layer(**{f"f{number}": b""}), top], f"bomb:{number}")
        listing += json.loads(one["manifest.json"])
        listing[-1]["Layers"] = [f"{number}.tar", "top.tar"]
        files[f"{number}.tar"] = one[f"{0:064x}/layer.tar"]
        files |= {name: data for name, data in one.items() if name == listing[-1]["Config"]}
    files |= {"top.tar": top, "manifest.json": json.dumps(listing).encode()}
    with pytest.raises(HostileInput, match="more than 5 times its size"):
        engine.load(io.BytesIO(archives.tar(files)))
    assert_nothing_left(bare, engine)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody else had filled the disk in the meantime."""
    monkeypatch.setattr(room, "kept", lambda _: Free(1 << 62, 1 << 62))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("crowded")
def test_the_last_of_a_disk_stays_free(
    way: Callable[..., None], engine: Engine, bare: Root, tmp_path: Path
) -> None:
    with pytest.raises(DiskFull, match=r"the last [\d,]+ bytes stay free") as caught:
        way(engine, tar(os.urandom(5 * MIB)), gzip.compress, "gzip", tmp_path)
    assert "free some space" in (caught.value.hint or "")
    assert_nothing_left(bare, engine)


@pytest.mark.usefixtures("crowded")
def test_a_repository_leaves_the_last_of_a_disk_too(
    engine: Engine, bare: Root, tmp_path: Path
) -> None:
    with servers.web() as web:
        (tmp_path / "bare").mkdir()
        web.repositories(tmp_path / "bare")
        servers.Repository(tmp_path / "work", tmp_path / "bare" / "r.git").commit({"a": "1"})
        serve = web.answers["/git"]

        def late(request: BaseHTTPRequestHandler) -> None:
            time.sleep(0.5)
            serve(request)

        web.answers["/git"] = late
        (tmp_path / "Dockerfile").write_text(f"FROM scratch\nADD {web.url}/git/r.git /x\n")
        with pytest.raises(DiskFull, match="the repository's files"):
            engine.build(str(tmp_path))
    assert_nothing_left(bare, engine)


def test_small_things_fit_on_a_disk_that_is_nearly_full() -> None:
    assert room.kept(Free(40 * MIB, 1000)) == Free(2 * MIB, 50)
    assert room.kept(Free(1 << 50, 1 << 40)) == Free(1 << 30, 1 << 16)
    assert room.kept(Free(0, 0)) == Free(0, 0)

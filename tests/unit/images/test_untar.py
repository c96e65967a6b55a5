from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.errors import ContentMismatch, HostileInput
from dockyard.images.tarreader import is_archive
from dockyard.images.tarwriter import write_layer
from dockyard.images.untar import Limits, extract
from dockyard.images.view import LowerView

EPOCH = 1_700_000_000

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners and makes devices")


def _archive(*entries: tuple[str, bytes | str, dict[str, object]]) -> bytes:
    """Entries are a path, a tar type or a content, and further fields of the header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what, fields in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            content = what.encode() if isinstance(what, str) else b""
            info.type = tarfile.REGTYPE if isinstance(what, str) else what
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _layer(directory: Path) -> bytes:
    out = io.BytesIO()
    write_layer(str(directory), out.write, epoch=EPOCH, times="clamp")
    return out.getvalue()


_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda n: n not in {".", ".."} and not n.startswith(".wh.") and len(n.encode()) < 200)
_KINDS = st.sampled_from(["file", "file", "symlink", "fifo", "link", "whiteout", "device"])
_NODES = st.tuples(
    st.lists(_NAMES, min_size=1, max_size=4),
    _KINDS,
    st.binary(max_size=1500),
    st.integers(0, 0o7777),
    st.sampled_from([0, 1000, 2**31]),
    st.integers(0, 2 * EPOCH),
)
Node = tuple[list[str], str, bytes, int, int, int]


def _grow(root: Path, nodes: list[Node]) -> None:
    files: list[Path] = []
    for parts, kind, content, mode, owner, mtime in nodes:
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path, kind, content, files)
        except (FileExistsError, NotADirectoryError):
            continue
        os.chown(path, owner, owner, follow_symlinks=False)
        if kind in {"file", "link", "fifo"}:
            path.chmod(mode)
        os.utime(path, (0, mtime), follow_symlinks=False)


def _make(path: Path, kind: str, content: bytes, files: list[Path]) -> None:
    if kind == "symlink":
        path.symlink_to("/" + content.hex()[:250])
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "whiteout":
        os.mknod(path, stat.S_IFCHR, 0)
    elif kind == "device":
        os.mknod(path, stat.S_IFCHR, os.makedev(1, 3))
    elif kind == "link" and files:
        os.link(files[len(content) % len(files)], path)
    else:
        with path.open("xb") as stream:
            stream.write(content)
        if content:
            os.setxattr(path, "user.x", content)
        files.append(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(_NODES, max_size=12))
def test_what_was_packed_is_unpacked(nodes: list[Node]) -> None:
    with tempfile.TemporaryDirectory() as base:
        before, after = Path(base, "before"), Path(base, "after")
        before.mkdir(mode=0o755)
        after.mkdir(mode=0o700)
        after.chmod(0o755)
        _grow(before, nodes)
        data = _layer(before)
        result = extract(io.BytesIO(data), str(after), whiteouts=True)
        assert _layer(after) == data
        assert result.self_contained


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read(tmp_path: Path, form: int) -> None:
    out = io.BytesIO()
    name = "d" * 90 + "/" + "f" * 90
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"text"))
    out.seek(0)
    extract(out, str(tmp_path), whiteouts=False)
    assert (tmp_path / name).read_bytes() == b"text"


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_files_are_unpacked(tmp_path: Path, form: str) -> None:
    (tmp_path / "in").mkdir()
    with (tmp_path / "in/f").open("wb") as stream:
        stream.write(b"begin")
        stream.seek(3_000_000)
        stream.write(b"end")
    command = ["tar", "-C", str(tmp_path / "in"), "--sparse", f"--format={form}", "-cf", "-", "f"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert len(data) < 100_000
    (tmp_path / "out").mkdir()
    extract(io.BytesIO(data), str(tmp_path / "out"), whiteouts=False)
    assert (tmp_path / "out/f").read_bytes() == (tmp_path / "in/f").read_bytes()


def _zstd(data: bytes) -> bytes:
    if importlib.util.find_spec("zstandard") is None:
        pytest.skip("zstandard is not installed")
    import zstandard

    compressed: bytes = zstandard.ZstdCompressor().compress(data)
    return compressed


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, _zstd])
def test_compression_is_found_by_its_magic(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    data = pack(_archive(("a/b", "text" * 100_000, {})))
    path = tmp_path / "archive"
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    extract(io.BytesIO(data), str(tmp_path / "out"), whiteouts=False)
    assert (tmp_path / "out/a/b").read_text() == "text" * 100_000
    assert is_archive(str(path))
    with pytest.raises(ContentMismatch):
        extract(io.BytesIO(data[: len(data) // 2]), str(tmp_path / "out"), whiteouts=False)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_concatenated_streams_are_one(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    whole = _archive(("f", "x" * 5000, {}))
    data = pack(whole[:3000]) + pack(whole[3000:])
    extract(io.BytesIO(data), str(tmp_path), whiteouts=False)
    assert (tmp_path / "f").stat().st_size == 5000


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\0" * 1024, gzip.compress(b"no tar", mtime=0), b"x" * 512, b"\x1f\x8b\x08"],
)
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    assert not is_archive(str(tmp_path / "f"))


def test_a_directory_and_a_fifo_are_no_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not is_archive(str(tmp_path))
    assert not is_archive(str(tmp_path / "pipe"))
    assert not is_archive(str(tmp_path / "missing"))


def test_paths_may_name_open_descriptors(tmp_path: Path) -> None:
    (tmp_path / "f.tar").write_bytes(_archive(("a", "b", {}), (".wh.gone", "", {})))
    directory = os.open(tmp_path, os.O_PATH)
    with (tmp_path / "f.tar").open("rb") as stream:
        assert is_archive(f"/proc/self/fd/{stream.fileno()}")
        extract(stream, f"/proc/self/fd/{directory}", whiteouts=True)
    os.close(directory)
    assert (tmp_path / "a").read_text() == "b"


def test_metadata(tmp_path: Path) -> None:
    data = _archive(
        ("d", tarfile.DIRTYPE, {"mode": 0o1777, "mtime": 5, "uid": 7}),
        ("d/su", "x", {"mode": 0o4755, "mtime": 6, "uid": 1000, "gid": 1001}),
        ("d/l", tarfile.SYMTYPE, {"linkname": "/nowhere", "mtime": 8, "uid": 9}),
        ("d/null", tarfile.CHRTYPE, {"devmajor": 1, "devminor": 3, "mode": 0o666}),
    )
    extract(io.BytesIO(data), str(tmp_path), whiteouts=False)
    d, su, link, null = (os.lstat(tmp_path / n) for n in ("d", "d/su", "d/l", "d/null"))
    assert (d.st_mode & 0o7777, d.st_mtime, d.st_uid) == (0o1777, 5, 7)
    assert (su.st_mode & 0o7777, su.st_mtime, su.st_uid, su.st_gid) == (0o4755, 6, 1000, 1001)
    assert (link.st_mtime, link.st_uid) == (8, 9)
    assert (null.st_rdev, null.st_mode) == (os.makedev(1, 3), stat.S_IFCHR | 0o666)


def test_an_owner_given_replaces_the_archives(tmp_path: Path) -> None:
    data = _archive(("f", "x", {"uid": 5, "mode": 0o4755}))
    extract(io.BytesIO(data), str(tmp_path), whiteouts=False, owner=(42, 43))
    status = (tmp_path / "f").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (42, 43, 0o4755)


def test_the_last_of_several_entries_wins(tmp_path: Path) -> None:
    data = _archive(
        ("a", "one", {}), ("a", "two", {}),
        ("b", tarfile.SYMTYPE, {"linkname": "a"}), ("b", "file", {}),
        ("c", tarfile.DIRTYPE, {}), ("c/x", "x", {}), ("c", "now a file", {}),
        ("d", "file", {}), ("d", tarfile.DIRTYPE, {"mode": 0o755}), ("d/y", "y", {}),
        ("e", tarfile.DIRTYPE, {"mode": 0o700}), ("e/z", "z", {}),
        ("e", tarfile.DIRTYPE, {"mode": 0o711}),
    )  # fmt: skip
    extract(io.BytesIO(data), str(tmp_path), whiteouts=False)
    assert (tmp_path / "a").read_text() == "two"
    assert [(tmp_path / n).read_text() for n in ("b", "c", "d/y", "e/z")] == [
        "file", "now a file", "y", "z",
    ]  # fmt: skip
    assert (tmp_path / "e").stat().st_mode & 0o777 == 0o711


def test_replacing_a_file_breaks_its_links(tmp_path: Path) -> None:
    data = _archive(
        ("a", "one", {}), ("b", tarfile.LNKTYPE, {"linkname": "a"}), ("a", "two", {}),
        ("b", tarfile.LNKTYPE, {"linkname": "./b"}),
    )  # fmt: skip
    extract(io.BytesIO(data), str(tmp_path), whiteouts=False)
    assert [(tmp_path / n).read_text() for n in "ab"] == ["two", "one"]


def test_whiteouts_are_made_whatever_their_order(tmp_path: Path) -> None:
    lower = tmp_path / "lower"
    for path in ("d/keep", "d/old", "e/old", "e/sub/deep", "f/x"):
        (lower / path).parent.mkdir(parents=True, exist_ok=True)
        (lower / path).touch()
    entries: list[tuple[str, bytes | str, dict[str, object]]] = [
        ("d", tarfile.DIRTYPE, {"mode": 0o755}),
        ("d/.wh.old", "", {}),
        ("e", tarfile.DIRTYPE, {"mode": 0o755}),
        ("e/new", "new", {}),
        ("e/.wh..wh..opq", "", {}),
        ("e/sub", tarfile.DIRTYPE, {"mode": 0o755}),
        ("e/sub/other", "new", {}),
        (".wh.f", "", {}),
        ("f", tarfile.DIRTYPE, {"mode": 0o755}),
        ("f/y", "new", {}),
    ]
    trees = []
    for index, order in enumerate((entries, entries[::-1])):
        upper = tmp_path / f"upper{index}"
        upper.mkdir(mode=0o755)
        view = LowerView((str(lower),))
        result = extract(io.BytesIO(_archive(*order)), str(upper), whiteouts=True, lower=view)
        assert not result.self_contained
        merged = LowerView((str(lower), str(upper)))
        trees.append({path: merged.listdir(path) for path in ("", "d", "e", "e/sub", "f")})
    assert trees[0] == {
        "": ("d", "e", "f"), "d": ("keep",), "e": ("new", "sub"), "e/sub": ("other",), "f": ("y",),
    }  # fmt: skip
    assert trees[0] == trees[1]


def test_implied_directories_are_those_of_the_layers_below(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    (lower / "usr/lib").mkdir(parents=True)
    (lower / "lib").symlink_to("usr/lib")
    (lower / "tmp").mkdir()
    (lower / "tmp").chmod(0o1777)
    upper.mkdir()
    data = _archive(("tmp/x", "x", {}), ("lib/y", "y", {}), ("lib/.wh.z", "", {}))
    view = LowerView((str(lower),))
    result = extract(io.BytesIO(data), str(upper), whiteouts=True, lower=view)
    assert not result.self_contained
    assert (upper / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (upper / "usr/lib/y").read_text() == "y"
    assert stat.S_ISCHR((upper / "usr/lib/z").lstat().st_mode)
    assert not (upper / "lib").exists()


def test_a_hard_link_may_lead_to_the_layers_below(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    (lower / "usr/lib").mkdir(parents=True)
    (lower / "lib").symlink_to("usr/lib")
    (lower / "usr/lib/a").write_text("a")
    (lower / "usr/lib/b").write_text("hidden")
    os.setxattr(lower / "usr/lib/a", "user.note", b"kept")
    upper.mkdir()
    data = _archive(
        ("one", tarfile.LNKTYPE, {"linkname": "lib/a"}),
        ("two", tarfile.LNKTYPE, {"linkname": "usr/lib/a"}),
        ("lib/b", "new", {}), ("three", tarfile.LNKTYPE, {"linkname": "/lib/b"}),
        ("usr/lib/.wh.a", "", {}),
    )  # fmt: skip
    view = LowerView((str(lower),))
    result = extract(io.BytesIO(data), str(upper), whiteouts=True, lower=view)
    assert not result.self_contained
    assert [(upper / name).read_text() for name in ("one", "two", "three")] == ["a", "a", "new"]
    assert (upper / "one").samefile(upper / "two")
    assert (upper / "three").samefile(upper / "usr/lib/b")
    assert os.getxattr(upper / "one", "user.note") == b"kept"
    assert LowerView((str(lower), str(upper))).listdir("usr/lib") == ("b",)


@pytest.mark.parametrize("target", ["gone", "hidden/a", "", "usr/none"])
def test_a_hard_link_to_what_no_layer_shows_is_refused(tmp_path: Path, target: str) -> None:
    layers = [tmp_path / name for name in ("base", "middle", "upper")]
    for layer in layers:
        layer.mkdir()
    for name in ("gone", "hidden/a", "usr/x"):
        (layers[0] / name).parent.mkdir(exist_ok=True)
        (layers[0] / name).touch()
    for name in ("gone", "hidden"):
        os.mknod(layers[1] / name, stat.S_IFCHR, os.makedev(0, 0))
    data = _archive(("l", tarfile.LNKTYPE, {"linkname": target}))
    view = LowerView(tuple(map(str, layers[:2])))
    with pytest.raises(ContentMismatch, match="nor in the layers below it"):
        extract(io.BytesIO(data), str(layers[2]), whiteouts=True, lower=view)


def test_limits(tmp_path: Path) -> None:
    many = _archive(*((f"f{i}", "", {}) for i in range(20)))
    with pytest.raises(HostileInput, match="more than 10 entries"):
        extract(io.BytesIO(many), str(tmp_path), whiteouts=False, limits=Limits(entries=10))
    bomb = gzip.compress(_archive(("f", "0" * 5_000_000, {})))
    with pytest.raises(HostileInput, match="larger than 100000 bytes"):
        extract(io.BytesIO(bomb), str(tmp_path), whiteouts=False, limits=Limits(bytes=100_000))
